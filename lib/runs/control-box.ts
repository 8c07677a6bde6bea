import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { NetrunError } from "../error.js";
import type { Action, Control } from "../train/requests.js";

/** The folder of requests is looked into this often: somebody who clicks waits no longer than that and an iteration. */
const LOOK_MS = 250;

const control = v.union([
  v.strictObject({ action: v.picklist(["snapshot", "stop"]), from: v.string() }),
  v.strictObject({
    action: v.literal("rate"),
    factor: v.pipe(v.number(), v.gtValue(0), v.finite()),
    from: v.string(),
  }),
]);

/** A control from plain data. Throws NetrunError for another one. */
export function parseControl(value: unknown): Control {
  const found = v.safeParse(control, value);
  if (found.success) return found.output;
  throw new NetrunError("no control: give stop, snapshot, or rate with a factor");
}

/** Requests of this process so far: two of a millisecond have an order too. */
let requests = 0;
const digits = (count: number): string => String(count).padStart(15, "0");

/** Asks the training that keeps a run in `folder`, in whatever process, for something. Throws NetrunError where it cannot be asked. */
export function askTraining(folder: string, asked: Control): void {
  const box = join(folder, "control");
  // Names in the order of time; a request is there as a whole or not at all.
  const name = `${digits(Date.now())}-${digits(requests++)}-${randomBytes(6).toString("hex")}`;
  try {
    mkdirSync(box, { recursive: true });
    writeFileSync(join(box, `${name}.tmp`), JSON.stringify(asked), { mode: 0o600 });
    renameSync(join(box, `${name}.tmp`), join(box, `${name}.json`));
  } catch (cause) {
    throw new NetrunError(`the run cannot be asked: ${(cause as Error).message}`, { file: box, cause });
  }
}

/** Requests of other processes to the training that keeps a run in a folder: who may write there may ask. */
export class ControlBox {
  readonly #box: string;
  readonly #warn: (warning: NetrunError) => void;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #names: string[] = [];

  /** Removes requests to an earlier process. */
  constructor(folder: string, warn: (warning: NetrunError) => void) {
    this.#box = join(folder, "control");
    this.#warn = warn;
    this.close();
  }

  /** The next request, for a training's `action`. */
  action(): Action {
    const now = performance.now();
    if (this.#names.length === 0 && now - this.#lookedMs >= LOOK_MS) {
      this.#lookedMs = now;
      if (existsSync(this.#box))
        this.#names = readdirSync(this.#box)
          .filter((name) => name.endsWith(".json"))
          .sort();
    }
    const name = this.#names.shift();
    if (name === undefined) return "none";
    const path = join(this.#box, name);
    try {
      return parseControl(JSON.parse(readFileSync(path, "utf8")));
    } catch (cause) {
      this.#warn(new NetrunError(`a request is not met: ${(cause as Error).message}`, { file: path, cause }));
      return "none";
    } finally {
      rmSync(path, { force: true });
    }
  }

  /** Removes the requests that are left. */
  close(): void {
    rmSync(this.#box, { recursive: true, force: true });
  }
}
