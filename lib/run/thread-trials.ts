import { availableParallelism } from "node:os";
import { count, multiplyAdds, topological } from "../graph/index.js";
import { layoutOf } from "../net/layout.js";
import type { LoweredNet } from "../net/lower.js";
import { noise } from "./noise.js";
import { type OpenNet, runNet } from "./open-net.js";

/** Runs of a trial that count, after one that compiles. */
const TIMED = 5;
/** Share of the best time so far that fewer threads have to save: other load on the machine makes a choice for all trainings to come. */
const GAIN = 0.25;
/** Multiplications and additions of a batch's forward above which there is work for all threads: LeNet's with 64 images has 0.15e9. */
const LARGE = 5e8;

/** Threads inside one op that a training step takes; undefined where they are onnxruntime's choice: the physical cores. */
export type Threads = number | undefined;

/** Results of trials. */
export interface ThreadChoice {
  readonly threads: Threads;
  /** Least milliseconds of a forward and backward pass by threads, in the order in which they were tried. */
  readonly tried: readonly { readonly threads: Threads; readonly passMs: number }[];
}

/**
 * Tests whether threads are worth choosing for a net: a small one waits for threads longer than it computes. Nets that write files or carry
 * state on would be changed by trials.
 */
export function isWorthTrials(net: LoweredNet): boolean {
  if (net.files.length > 0 || net.carries.size > 0 || net.untrainable || net.losses.length === 0) return false;
  const forward = topological(net.losses.map(({ value }) => value));
  return availableParallelism() > 1 && forward.reduce((sum, node) => sum + multiplyAdds(node), 0) < LARGE;
}

/**
 * Times passes of a net over noise, with weights of noise, and chooses their threads: onnxruntime's choice, or half of the processors and so
 * on down to one as long as fewer are faster. onnxruntime counts the processors of the machine, also where a container has a part of them.
 */
export async function tryThreads(train: OpenNet): Promise<ThreadChoice> {
  const passMsOf = async (threads: Threads) => {
    await using program = train.program.withThreads(threads);
    return await leastMs({ ...train, program });
  };
  return await choose(availableParallelism(), passMsOf);
}

/** Chooses by what a pass takes with some threads, in milliseconds, fewer and fewer as long as it gets faster. */
export async function choose(
  processors: number,
  passMsOf: (threads: Threads) => Promise<number>,
): Promise<ThreadChoice> {
  let best = { threads: undefined as Threads, passMs: await passMsOf(undefined) };
  const tried = [best];
  for (let threads = Math.floor(processors / 2); threads >= 1; threads = Math.floor(threads / 2)) {
    const next = { threads, passMs: await passMsOf(threads) };
    tried.push(next);
    if (next.passMs >= best.passMs * (1 - GAIN)) break;
    best = next;
  }
  return { threads: best.threads, tried };
}

/** Of the noise. */
const SEED = 1;
/** Request of a training step. */
const PASS = { blobs: [], gradients: "trainable", objective: true, sum: "entries" } as const;

async function leastMs(train: OpenNet): Promise<number> {
  const batch = Object.fromEntries(
    [...train.net.inputs].map(([name, { type }]) => [
      name,
      { shape: type.shape, data: noise(count(type.shape), SEED) },
    ]),
  );
  const layout = layoutOf(train.net);
  const weights = { layout, data: noise(layout.length, SEED) };
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i <= TIMED; i++) {
    const started = performance.now();
    await runNet(train, PASS, batch, weights, [SEED, i]);
    if (i > 0) least = Math.min(least, performance.now() - started);
  }
  return least;
}
