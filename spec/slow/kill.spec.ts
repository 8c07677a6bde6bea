import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect } from "chai";
import { readSolverState } from "../../lib/caffe/solver-state.js";
import { readWeights } from "../../lib/caffe/weights.js";
import { random } from "../../lib/random.js";
import { Solver } from "../../lib/train/solver.js";
import { root } from "../support/shared.js";
import { writeRestless } from "../support/training.js";

const start = (...args: string[]): ChildProcess & { output: () => string } => {
  const child = spawn(process.execPath, [join(root, "bin", "netrun.js"), "train", ...args]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text: Buffer) => {
      output += text.toString();
    });
  }
  return Object.assign(child, { output: () => output });
};

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (condition()) return;
    await setTimeout(50);
  }
  throw new Error("it did not happen in 30 s");
}

describe("a training process that is ended", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "netrun-kill-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const states = () =>
    readdirSync(folder)
      .flatMap((name) => /^snap_iter_(\d+)\.solverstate$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);

  it("by kill -9 at 20 random moments: every snapshot is whole, and training resumes from the last", async function () {
    this.timeout(600_000);
    const solver = writeRestless(folder, "max_iter: 1000000 snapshot: 1");
    const moments = random(20);
    let last = 0;
    for (let i = 0; i < 20; i++) {
      const resume = last > 0 ? ["-snapshot", join(folder, `snap_iter_${last}.solverstate`)] : [];
      const child = start(solver, ...resume);
      await until(() => (states().at(-1) ?? 0) > last);
      await setTimeout(moments.uniform() * 150);
      child.kill("SIGKILL");
      await once(child, "exit");
      for (const iteration of states()) {
        const file = (end: string) => join(folder, `snap_iter_${iteration}.${end}`);
        expect((await readSolverState(file("solverstate"))).iter).to.equal(iteration);
        expect((await readWeights(file("caffemodel"))).size).to.equal(3);
        if (iteration < states().at(-1)!)
          for (const end of ["solverstate", "caffemodel", "netrunstate"]) rmSync(file(end));
      }
      last = states().at(-1)!;
    }
    await using resumed = await Solver.load(solver, { snapshot: join(folder, `snap_iter_${last}.solverstate`) });
    expect(await resumed.step(1)).to.have.length(1);
  });

  it("by SIGINT stops with a snapshot, as Caffe does", async function () {
    this.timeout(60_000);
    const child = start(writeRestless(folder, "max_iter: 1000000"));
    await until(() => child.output().includes("Iteration 5,"));
    child.kill("SIGINT");
    const [code] = await once(child, "exit");
    expect(code).to.equal(0);
    expect(child.output()).to.contain("Optimization stopped early.");
    expect(states()).to.have.length(1);
  });

  it("by SIGHUP takes a snapshot and continues; -sigint_effect=none ignores SIGINT", async function () {
    this.timeout(60_000);
    const child = start(writeRestless(folder, "max_iter: 1000000"), "-sigint_effect=none");
    await until(() => child.output().includes("Iteration 5,"));
    child.kill("SIGINT");
    child.kill("SIGHUP");
    await until(() => states().length === 1);
    const [at] = states();
    await until(() => child.output().includes(`Iteration ${Math.ceil((at! + 5) / 5) * 5},`));
    child.kill("SIGKILL");
    await once(child, "exit");
  });
});
