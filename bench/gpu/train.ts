import { count } from "../../lib/graph/index.js";
import { Solver } from "../../lib/index.js";
import { runTime } from "../../lib/onnx/session.js";
import { flopsOf } from "../step/flops.js";
import type { StepNet } from "../step/nets.js";
import type { Where } from "./correct.js";
import { batchOf, solverText } from "./nets.js";

/** Speed of a net's training, and what crosses the bus. */
export interface Training {
  readonly net: string;
  readonly batch: number;
  readonly imagesPerSecond: number;
  readonly stepMs: number;
  /** Time of a step outside onnxruntime. */
  readonly outsideMs: number;
  /** Thousand million floating-point operations of a step. */
  readonly gflop: number;
  /** Bytes that go up in an iteration, and those of weights and history that go up and down in a round. */
  readonly bytesPerIteration: number;
  readonly bytesPerRound: number;
  readonly iterationsPerRound: number;
}

/** Trains for windows of some time after two that do not count; the median window. */
export async function timeTraining(net: StepNet, where: Where, windows: number, windowMs: number): Promise<Training> {
  await using solver = await Solver.load(solverText(net, "1e-4"), { name: net.name, ...where });
  const batch = batchOf(net);
  // Builds the sessions of the round, and of cuDNN's choice of kernels.
  await solver.run(1, batch, true);
  const first = performance.now();
  await solver.run(2, batch, true);
  const iterations = Math.max(1, Math.min(100, Math.round((2 * windowMs) / (performance.now() - first))));
  const times: { readonly ms: number; readonly inside: number }[] = [];
  for (let i = 0; i < windows; i++) {
    const [started, before] = [performance.now(), runTime()];
    await solver.run(iterations, batch, true);
    times.push({ ms: performance.now() - started, inside: runTime() - before });
  }
  const { ms, inside } = times.sort((a, b) => a.ms - b.ms)[times.length >> 1]!;
  const floats = [...solver.net.params.values()].flat().reduce((sum, { data }) => sum + data.length, 0);
  const fed = Object.values(batch).reduce((sum, { shape }) => sum + count(shape), 0);
  return {
    net: net.name,
    batch: net.batch,
    imagesPerSecond: (1000 * net.batch * iterations) / ms,
    stepMs: ms / iterations,
    outsideMs: (ms - inside) / iterations,
    gflop: flopsOf(net) / 1e9,
    bytesPerIteration: 4 * fed,
    bytesPerRound: 4 * 4 * floats,
    iterationsPerRound: iterations,
  };
}
