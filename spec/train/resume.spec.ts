import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { readSolverState } from "../../lib/caffe/solver-state.js";
import { readWeights } from "../../lib/caffe/weights.js";
import type { NetrunError } from "../../lib/error.js";
import { Solver } from "../../lib/train/solver.js";
import { root } from "../support/shared.js";
import { writeRestless } from "../support/training.js";

/** Lines of a log that do not tell the time. */
const lossLines = (log: string) =>
  log
    .split("\n")
    .flatMap((line) => /^Iteration.*loss = .*|.*net output.*/.exec(line.replace(/ \(.*iters\)/, ""))?.[0] ?? []);

/** A side file without its hashes of the other files: HDF5 files have the time in them. */
function sideOf(path: string): object {
  const { files: _, check: __, ...side } = JSON.parse(readFileSync(path, "utf8"));
  return side;
}

describe("resuming", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "netrun-resume-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const train = (solver: string, ...args: string[]) => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [join(root, "bin", "netrun.js"), "train", solver, ...args],
      { encoding: "utf8" },
    );
    expect(status, stderr).to.equal(0);
    return stdout;
  };

  for (const [format, type, end] of [
    ["BINARYPROTO", "SGD", ""],
    ["HDF5", "Adam", ".h5"],
  ] as const) {
    it(`20 iterations straight are 10, a snapshot, and 10 in a new process, to the bit (${type}, ${format})`, async () => {
      const solver = writeRestless(folder, `max_iter: 20 snapshot: 10 snapshot_format: ${format} type: "${type}"`);
      const straight = lossLines(train(solver));
      const read = async () => ({
        weights: await readWeights(join(folder, `snap_iter_20.caffemodel${end}`)),
        state: await readSolverState(join(folder, `snap_iter_20.solverstate${end}`)),
        side: sideOf(join(folder, "snap_iter_20.netrunstate")),
      });
      const expected = await read();
      const resumed = lossLines(train(solver, "-snapshot", join(folder, `snap_iter_10.solverstate${end}`)));
      expect(await read()).to.deep.equal(expected);
      expect(resumed).to.deep.equal(straight.slice(-resumed.length));
      expect(resumed.length).to.be.greaterThan(6);
    }).timeout(120_000);
  }

  it("works without the side file, and reports what differs", async () => {
    const solver = writeRestless(folder, "max_iter: 20");
    const warnings: NetrunError[] = [];
    const onWarning = (warning: NetrunError) => warnings.push(warning);
    await using first = await Solver.load(solver);
    await first.step(3);
    const { state, side } = await first.snapshot();
    unlinkSync(side);
    await using second = await Solver.load(solver, { snapshot: state, onWarning });
    expect(second.iteration).to.equal(3);
    await second.step(1);
    expect(warnings.map(({ message }) => message)).to.deep.equal([
      "not restored, without its .netrunstate: random numbers, test data and the smoothed loss",
    ]);
  });

  it("changes nothing if the snapshot is damaged", async () => {
    const solver = writeRestless(folder, "max_iter: 20");
    await using first = await Solver.load(solver);
    await first.step(2);
    const { state, model } = await first.snapshot();
    await first.step(1);
    const before = first.net.params.get("ip")![0]!.data.slice();
    writeFileSync(model, readFileSync(model).subarray(0, 400));
    let failed: unknown;
    await first.restore(state).catch((error: unknown) => {
      failed = error;
    });
    expect((failed as Error).message).to.match(/not a complete binary/);
    expect(first.iteration).to.equal(3);
    expect(first.net.params.get("ip")![0]!.data).to.deep.equal(before);
  });

  it("finds the weights beside a snapshot that was moved", async () => {
    const solver = writeRestless(folder, "max_iter: 20");
    await using first = await Solver.load(solver);
    await first.step(1);
    await first.snapshot();
    const moved = mkdtempSync(join(tmpdir(), "netrun-moved-"));
    for (const name of readdirSync(folder).filter((each) => each.startsWith("snap"))) {
      renameSync(join(folder, name), join(moved, name));
    }
    await using second = await Solver.load(solver, { snapshot: join(moved, "snap_iter_1.solverstate") });
    expect(second.net.params.get("ip")![0]!.data).to.deep.equal(first.net.params.get("ip")![0]!.data);
    rmSync(moved, { recursive: true });
  });

  it("restores recurrent state too", async () => {
    const text = `base_lr: 0.1 lr_policy: "fixed" type: "AdaDelta" momentum: 0.9 delta: 1e-6 net_param {
      layer {
        name: "in" type: "DummyData" top: "x" top: "cont"
        dummy_data_param {
          shape { dim: 4 dim: 2 dim: 3 } shape { dim: 4 dim: 2 }
          data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 }
        }
      }
      layer {
        name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h"
        recurrent_param { num_output: 3 weight_filler { type: "gaussian" std: 1 } }
      }
      layer { name: "loss" type: "Reduction" bottom: "h" top: "loss" loss_weight: 1 reduction_param { operation: SUMSQ } }
    }`;
    await using straight = await Solver.load(text);
    await straight.step(3);
    const { state } = await straight.snapshot(join(folder, "lstm"));
    const expected = await straight.step(3);
    await using resumed = await Solver.load(text, { snapshot: state });
    expect(await resumed.step(3)).to.deep.equal(expected);
  });
});
