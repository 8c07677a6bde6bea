import { expect } from "chai";
import type { Tensors } from "../../lib/data/tensor.js";
import { Solver, type SolverOptions } from "../../lib/train/solver.js";

/** Settings of comparing a training in its two forms. */
export interface Comparison {
  readonly iterations: number;
  /** Iterations of each call; the last one may be shorter. */
  readonly rounds?: number;
  readonly options?: SolverOptions;
  /** Fed in every iteration in place of data. */
  readonly batch?: Tensors;
}

/** State of a training of a solver's text after some iterations: all that the next ones depend on, as bits. */
async function trained(
  text: string,
  loop: boolean,
  { iterations, rounds = iterations, options = {}, batch }: Comparison,
) {
  await using solver = await Solver.load(text, { name: "solver", threads: 1, ...options, loop });
  const losses: number[] = [];
  const outputs: unknown[] = [];
  while (losses.length < iterations) {
    const run = await solver.run(Math.min(rounds, iterations - losses.length), batch);
    losses.push(...run.losses);
    outputs.push(...run.outputs);
    if (run.notFinite !== undefined) return { losses, outputs, notFinite: run.notFinite };
  }
  const blobs = [...solver.net.params].map(([layer, list]) => [
    layer,
    list.map(({ data, diff }) => [bits(data), bits(diff)]),
  ]);
  return { losses, outputs, blobs };
}

/** NaN is like NaN, and -0 not like 0. */
const bits = (values: Float32Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");

/** Checks that a training is the same to the bit in the loop's form and in that of two models; its losses. */
export async function expectSame(text: string, comparison: Comparison): Promise<readonly number[]> {
  const separate = await trained(text, false, comparison);
  const loop = await trained(text, true, comparison);
  expect(loop.losses).to.deep.equal(separate.losses);
  expect(loop).to.deep.equal(separate);
  return loop.losses;
}
