import { readdirSync } from "node:fs";
import { expect } from "chai";
import type { Tensor } from "../../lib/api/net.js";
import { Solver } from "../../lib/train/solver.js";
import { readSafetensors, type Tensors } from "../support/safetensors.js";
import { goldenNames, goldenPath } from "../support/shared.js";

const MARKS = [1, 2, 6, 12];

/** The relative error that the issue asks for, and an absolute one for entries near 0. */
function expectNear(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!];
    if (!(Math.abs(a - b) <= 1e-4 * Math.abs(b) + 1e-6)) throw new Error(`${what}[${i}] is ${a}, Caffe has ${b}`);
  }
}

function expectParameters(solver: Solver, golden: Tensors, iteration: number): void {
  const prefix = `iter${iteration}/`;
  for (const [key, { data }] of golden.tensors) {
    if (!key.startsWith(prefix)) continue;
    const [layer, index] = key.slice(prefix.length).split("/") as [string, string];
    expectNear(key, solver.net.params.get(layer)![Number(index)]!.data, data);
  }
}

function batch(golden: Tensors, iteration: number): Record<string, Tensor> {
  return Object.fromEntries(
    ["data", "label"].map((name) => {
      const { shape, data } = golden.tensors.get(name)!;
      const size = data.length / shape[0]!;
      return [name, { shape: shape.slice(1), data: data.subarray(iteration * size, (iteration + 1) * size) }];
    }),
  );
}

async function follow(solver: Solver, golden: Tensors): Promise<void> {
  const losses = golden.tensors.get("loss")!.data;
  while (solver.iteration < 12) {
    const i = solver.iteration;
    const [loss] = await solver.step(1, batch(golden, i));
    expectNear(`loss of iteration ${i}`, [loss!], [losses[i]!]);
    if (MARKS.includes(solver.iteration)) expectParameters(solver, golden, solver.iteration);
  }
}

describe("solvers, against Caffe's trajectories", () => {
  for (const name of goldenNames("solvers")) {
    const path = (...file: string[]) => goldenPath("solvers", name, ...file);
    const load = (options: { weights?: string; snapshot?: string }) => Solver.load(path("solver.prototxt"), options);

    it(`${name}: losses and parameters of 12 iterations`, async () => {
      const golden = readSafetensors(path("trajectory.safetensors"));
      await using solver = await load({ weights: path("init.caffemodel") });
      await follow(solver, golden);
    });

    it(`${name}: goes on from Caffe's own snapshot`, async () => {
      const golden = readSafetensors(path("trajectory.safetensors"));
      const snapshot = readdirSync(path("")).find((file) => file.includes(".solverstate"))!;
      await using solver = await load({ snapshot: path(snapshot) });
      expect(solver.iteration).to.equal(6);
      await follow(solver, golden);
    });
  }
});
