import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import * as v from "valibot";
import { loadNet, loadSolver } from "../caffe/load.js";
import { amend } from "../caffe/message.js";
import type { NetParameter, SolverParameter } from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import { makeFolder, replaceFile } from "../file.js";
import { printText } from "../text/print.js";
import { issuesOf, type TrainEvent } from "../train/events.js";
import type { Action } from "../train/requests.js";
import { SnapshotLock } from "../train/snapshot-lock.js";
import { ControlBox } from "./control-box.js";
import { EventStore } from "./event-store.js";

/** Folder of runs, unless a program says otherwise. */
export const RUNS_FOLDER = "runs";

const start = v.object({
  /** When, as ISO 8601. */
  at: v.string(),
  /** The words of the command line, or nothing where a program started it. */
  command: v.array(v.string()),
  cwd: v.string(),
  /** Versions of netrun, Node and onnxruntime. */
  versions: v.record(v.string(), v.string()),
  /** Updates done before. */
  iteration: v.number(),
});
const info = v.object({
  version: v.literal(1),
  name: v.string(),
  /** Flags of the command line or options of the API, as far as they are plain data. */
  settings: v.record(v.string(), v.unknown()),
  seed: v.number(),
  /** Folder that paths in the net are looked up from, after the working directory. */
  netFolder: v.string(),
  /** The first start, then one for each time that it was resumed. */
  starts: v.array(start),
});

/** Content of a run's `run.json`. */
export type RunInfo = v.InferOutput<typeof info>;
export type RunStart = RunInfo["starts"][number];

/** Files of a run's folder. */
export const runFiles = (folder: string) => ({
  info: join(folder, "run.json"),
  solver: join(folder, "solver.prototxt"),
  net: join(folder, "net.prototxt"),
  events: join(folder, "events.jsonl"),
  digest: join(folder, "digest.json"),
  snapshots: join(folder, "snapshots"),
});

/** Parts of a run, as it is written down. */
export interface RunContent {
  readonly solver: SolverParameter;
  /** The net that is trained, with the layers of all phases. */
  readonly net: NetParameter;
  readonly netFolder: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly command: readonly string[];
  readonly seed: number;
  readonly iteration: number;
}

/** Checks a run's name, which is that of its folder. Throws NetrunError. */
export function checkRunName(name: string): void {
  if (/^[\p{L}\p{N}_][\p{L}\p{N}_.+=,@ -]*$/u.test(name)) return;
  throw new NetrunError(`"${name}" is no name for a run`, {
    notes: ["a name has letters, digits and _ . + = , @ - and begins with one of the first three"],
  });
}

/**
 * The folder of a run, `runs/NAME`, which this process alone writes: `run.json`, `solver.prototxt` and `net.prototxt` as run,
 * `events.jsonl`, `digest.json` (the events down-sampled) and `snapshots/`, the best weights among them.
 */
export class RunFolder implements AsyncDisposable {
  readonly name: string;
  readonly folder: string;
  readonly #lock: SnapshotLock;
  #events: EventStore | undefined;
  #box: ControlBox | undefined;
  readonly #warn: (warning: NetrunError) => void;
  readonly #isNew: boolean;

  private constructor(folder: string, isNew: boolean, warn: (warning: NetrunError) => void) {
    this.name = basename(folder);
    this.folder = folder;
    this.#isNew = isNew;
    this.#warn = warn;
    this.#lock = SnapshotLock.take(join(folder, "run"));
  }

  /**
   * Makes the folder of a new run. Of two that ask for a name at once one gets it.
   * Throws NetrunError where there is such a run, or the folder cannot be made.
   */
  static create(name: string, runs: string, warn: (warning: NetrunError) => void): RunFolder {
    checkRunName(name);
    const folder = join(runs, name);
    try {
      makeFolder(runs);
      mkdirSync(folder);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "EEXIST" && existsSync(folder))
        throw new NetrunError(`there is a run "${name}"`, {
          file: folder,
          notes: [`--resume goes on with it; another run needs another name, such as ${freeName(name, runs)}`],
        });
      throw new NetrunError(`the run's folder cannot be made: ${(cause as Error).message}`, { file: folder, cause });
    }
    return new RunFolder(folder, true, warn);
  }

  /** Opens the folder of a run to go on with it. Throws NetrunError where there is none, or another process trains it. */
  static open(name: string, runs: string, warn: (warning: NetrunError) => void): RunFolder {
    checkRunName(name);
    const folder = join(runs, name);
    if (!existsSync(runFiles(folder).info)) throw noRun(name, runs);
    return new RunFolder(folder, false, warn);
  }

  /** A run in a folder that is there, such as that of a sweep's: it is begun, or goes on. Throws NetrunError where another process trains it. */
  static within(folder: string, warn: (warning: NetrunError) => void): RunFolder {
    return new RunFolder(folder, !existsSync(runFiles(folder).info), warn);
  }

  /** Path that the names of its snapshots start with. */
  get snapshotPrefix(): string {
    return snapshotPrefixOf(this.folder);
  }

  /** Writes down what is trained and begins, or goes on with, the log of events. Throws NetrunError. */
  async begin(content: RunContent): Promise<void> {
    const files = runFiles(this.folder);
    const { solver, net, netFolder, settings, command, seed, iteration } = content;
    const started: RunStart = {
      at: new Date().toISOString(),
      command: [...command],
      cwd: process.cwd(),
      versions: versionsOf(),
      iteration,
    };
    const before = this.#isNew ? undefined : readRunInfo(this.folder);
    await writeText(files.net, printText(net));
    await writeText(files.solver, printText(withNet(solver, files.net)));
    const text: RunInfo = {
      version: 1,
      name: this.name,
      settings: plain({ ...before?.settings, ...settings }),
      seed,
      netFolder,
      starts: [...(before?.starts ?? []), started],
    };
    await writeText(files.info, `${JSON.stringify(text, null, 2)}\n`);
    this.#events = new EventStore(files, !this.#isNew, this.#warn);
    this.#box = new ControlBox(this.folder, this.#warn);
  }

  /** Next request of another process, such as a dashboard's: for the training's `action`. */
  action(): Action {
    return this.#box?.action() ?? "none";
  }

  /** Takes an event into the log. */
  write(event: TrainEvent): void {
    this.#events?.write(event);
  }

  /** Ends the log. A run that never began leaves no folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#events?.[Symbol.asyncDispose]();
    this.#box?.close();
    this.#lock[Symbol.dispose]();
    if (this.#isNew && !this.#events) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Path that the names of a run's snapshots start with. */
export const snapshotPrefixOf = (folder: string): string => join(runFiles(folder).snapshots, basename(folder));

/** The solver with the copy of its net in place of the one that it names. */
function withNet(solver: SolverParameter, net: string): SolverParameter {
  const given = (["net", "train_net"] as const).find((field) => solver[field] !== "");
  return given === undefined ? solver : amend<SolverParameter>(solver, { [given]: net });
}

const writeText = (path: string, text: string) => replaceFile(path, (file) => writeFileSync(file, text));

/** Serialisable part of some settings, for JSON: no functions, no data in memory. */
function plain(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isPlain = (value: unknown): boolean =>
    value === null ||
    ["string", "number", "boolean"].includes(typeof value) ||
    (Array.isArray(value) && value.every(isPlain)) ||
    (typeof value === "object" &&
      Object.getPrototypeOf(value) === Object.prototype &&
      Object.values(value).every(isPlain));
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => isPlain(value)));
}

function versionsOf(): Record<string, string> {
  const read = (path: string | URL) => (JSON.parse(readFileSync(path, "utf8")) as { readonly version: string }).version;
  // From dist/lib/runs up to the package's root.
  const netrun = read(new URL("../../../package.json", import.meta.url));
  const onnxruntime = read(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  return { netrun, node: process.versions.node, onnxruntime };
}

/** A name that no run has: with a number after it. */
function freeName(name: string, runs: string): string {
  for (let i = 2; ; i++) if (!existsSync(join(runs, `${name}-${i}`))) return `${name}-${i}`;
}

function noRun(name: string, runs: string): NetrunError {
  const names = runNames(runs);
  const near = nearest(name, names);
  const known = names.length > 0 ? `there are ${names.slice(0, 20).join(", ")}` : "there are no runs yet";
  return new NetrunError(`there is no run "${name}"`, {
    file: runs,
    notes: [near === undefined ? known : `did you mean ${near}?`],
  });
}

/** The order of names with numbers in them: run-2 is before run-10. */
export const { compare: byNumber } = new Intl.Collator("en", { numeric: true });

/** Names of the runs in a folder. */
export function runNames(runs: string): readonly string[] {
  if (statSync(runs, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(runs)
    .filter((name) => existsSync(runFiles(join(runs, name)).info))
    .sort(byNumber);
}

/** Reads what a run is. Throws NetrunError where the folder is no run's, or its file is damaged. */
export function readRunInfo(folder: string): RunInfo {
  const path = runFiles(folder).info;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT")
      throw new NetrunError("is not the folder of a run: it has no run.json", { file: folder });
    throw new NetrunError(`damaged: ${(cause as Error).message}`, { file: path, cause });
  }
  const found = v.safeParse(info, value);
  if (!found.success) throw new NetrunError(`damaged: ${issuesOf(found.issues)}`, { file: path });
  return found.output;
}

/** The solver of a run as it was run, its net within it, and the folder that the net's paths are looked up from. Throws NetrunError. */
export function readRunSolver(folder: string): { readonly solver: SolverParameter; readonly baseDir: string } {
  const files = runFiles(folder);
  const { netFolder } = readRunInfo(folder);
  const { message } = loadSolver(files.solver);
  const given = (["net", "train_net"] as const).find((field) => message[field] !== "");
  if (given === undefined) return { solver: message, baseDir: netFolder };
  const { message: net } = loadNet(files.net);
  const inline = given === "net" ? { net: null, net_param: net } : { train_net: null, train_net_param: net };
  return { solver: amend<SolverParameter>(message, inline), baseDir: netFolder };
}

/** The folder of a path that names a run's folder or a file in it. */
export const folderOfRun = (path: string): string | undefined =>
  [path, dirname(path)].find((each) => existsSync(runFiles(each).info));
