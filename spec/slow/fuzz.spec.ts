import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filterNet } from "../../lib/caffe/filter.js";
import { loadNet, loadSolver } from "../../lib/caffe/load.js";
import { create, decode } from "../../lib/caffe/message.js";
import { decodeSolverState } from "../../lib/caffe/solver-state.js";
import { decodeWeights } from "../../lib/caffe/weights.js";
import { NetrunError } from "../../lib/error.js";
import { inspectNet } from "../../lib/inspect/index.js";
import { printText } from "../../lib/text/print.js";
import { mutate, mutateNumbers } from "../support/mutate.js";
import { goldenPath, hasShared, sharedPath } from "../support/shared.js";

/** How long each reader is fed with damaged files. */
const BUDGET_MS = Number(process.env["FUZZ_MS"] ?? 10_000);
/** No damaged file may take longer, in time of the processor: the wall clock tells more of what else the machine does. */
const LIMIT_MS = 1000;
const SEED = 20260000;

/** Damages the files in turn until the time is up; reading may only succeed or throw NetrunError, and soon. */
async function fuzz(
  files: readonly Uint8Array[],
  read: (bytes: Uint8Array) => unknown,
  { damage = mutate }: { damage?: typeof mutate } = {},
): Promise<void> {
  const end = performance.now() + BUDGET_MS;
  for (let round = 0; performance.now() < end; round++) {
    const bytes = damage(files[round % files.length]!, SEED + round);
    const start = process.cpuUsage();
    try {
      await read(bytes);
    } catch (error) {
      if (!(error instanceof NetrunError))
        throw new Error(`round ${round} throws what is no NetrunError: ${(error as Error).stack}`, { cause: error });
      error.format();
    }
    const { user, system } = process.cpuUsage(start);
    const ms = (user + system) / 1000;
    if (ms > LIMIT_MS) throw new Error(`round ${round} takes ${ms} ms`);
  }
}

const small = (folder: string, pattern: RegExp) =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((file) => pattern.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file)))
    .filter(({ length }) => length < 200_000);

/** Published nets, where they are. */
const published = () => (hasShared() ? small(sharedPath("zoo", "prototxt"), /\.prototxt$/) : []);

describe("damaged files", function () {
  this.timeout(BUDGET_MS + 30_000);
  const temporary = mkdtempSync(join(tmpdir(), "netrun-fuzz-"));
  after(() => rmSync(temporary, { recursive: true }));

  it("as net prototxts load or are refused, and what loads prints and reads back", () =>
    fuzz([...published(), ...small(goldenPath("text"), /\.prototxt$/)], (bytes) => {
      // The line break makes it a text, never a path.
      const { message } = loadNet(`\n${Buffer.from(bytes).toString("utf8")}`);
      filterNet(message, create("NetState"));
      loadNet(`\n${printText(message)}`);
    }));

  it("as nets of single layers are understood or refused", () =>
    fuzz(
      small(goldenPath("layers"), /\.prototxt$/),
      async (bytes) => {
        const { message } = loadNet(`\n${Buffer.from(bytes).toString("utf8")}`);
        for (const phase of ["TRAIN", "TEST"] as const) await inspectNet(message, { phase, baseDir: temporary });
      },
      { damage: (bytes, seed) => Buffer.from(mutateNumbers(Buffer.from(bytes).toString("utf8"), seed)) },
    ));

  it("as solver prototxts load or are refused", () =>
    fuzz(small(goldenPath("solvers"), /solver\.prototxt$/), (bytes) =>
      loadSolver(`\n${Buffer.from(bytes).toString("utf8")}`),
    ));

  it("as weights are read or refused", () =>
    fuzz(small(goldenPath("solvers"), /\.caffemodel$/), (bytes) => {
      decodeWeights(bytes);
      decode("NetParameter", bytes);
    }));

  it("as solver states are read or refused", () =>
    fuzz(small(goldenPath("solvers"), /\.solverstate$/), (bytes) => decodeSolverState(bytes)));
});
