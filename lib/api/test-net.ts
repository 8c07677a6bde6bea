import { checkNumber, countRange } from "../options/number.js";
import type { Net, Tensors } from "./net.js";

/** How long to test, and who follows it. */
export interface TestNetOptions {
  /** Batches to score. */
  readonly iterations: number;
  /** Blobs that `onBatch` is called with, besides the outputs: all without it. Fewer of them take less time. */
  readonly blobs?: readonly string[] | undefined;
  /** Is called with the blobs of each batch. */
  readonly onBatch?: (batch: number, blobs: Tensors) => void;
}

/** Scores of a net over some batches. */
export interface NetScores {
  /** Mean of the objective: of every loss by its weight, also of one that is no output. */
  readonly loss: number;
  /** Each output's mean over the batches, value by value. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
}

/**
 * Scores a net over batches of its data, as `caffe test`: the mean of each output blob, and the objective.
 * Throws what `Net.forward` throws, and NetrunError where `iterations` is not a count.
 */
export async function testNet(net: Net, { iterations, blobs: more, onBatch }: TestNetOptions): Promise<NetScores> {
  checkNumber("iterations", iterations, countRange("batches"));
  const wanted = onBatch && !more ? undefined : [...new Set([...net.outputs, ...(more ?? [])])];
  const sums = new Map<string, Float64Array>();
  const isShown = [...net.lossWeights.keys()].every((name) => net.outputs.includes(name));
  let objective = 0;
  for (let batch = 0; batch < iterations; batch++) {
    const { blobs, loss } = isShown
      ? { blobs: await net.forward({}, { blobs: wanted }), loss: 0 }
      : await net.score({}, { blobs: wanted });
    objective += loss;
    for (const name of net.outputs) {
      const { data } = blobs[name]!;
      const sum = sums.get(name) ?? new Float64Array(data.length);
      data.forEach((value, i) => {
        sum[i]! += value;
      });
      sums.set(name, sum);
    }
    onBatch?.(batch, blobs);
  }
  const outputs = Object.fromEntries(
    [...sums].map(([name, sum]) => [name, [...sum].map((value) => value / iterations)]),
  );
  if (!isShown) return { loss: objective / iterations, outputs };
  const loss = Object.entries(outputs).reduce((total, [name, values]) => {
    const weight = net.lossWeights.get(name) ?? 0;
    return values.reduce((part, mean) => part + weight * mean, total);
  }, 0);
  return { loss, outputs };
}
