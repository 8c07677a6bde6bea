import { concatenated } from "../engine/reports.js";
import { type ApVersion, type ClassPrecisions, precisions } from "../run/average-precision.js";
import { checkNumber, countRange } from "../options/number.js";
import type { Net, Tensors } from "./net.js";

/** Number of test batches, and who follows the test. */
export interface TestNetOptions {
  /** Batches to score. */
  readonly iterations: number;
  /** Method of average precision, as SSD's solver calls it. Default "Integral". */
  readonly apVersion?: ApVersion | undefined;
  /** Blobs that `onBatch` is called with, besides the outputs: all without it. Fewer of them take less time. */
  readonly blobs?: readonly string[] | undefined;
  /** Is called with the blobs of each batch. */
  readonly onBatch?: (batch: number, blobs: Tensors) => void;
}

/** Scores of a net over some batches. */
export interface NetScores {
  /** Mean of the objective: of every loss by its weight, also of one that is no output. */
  readonly loss: number;
  /** Each output's mean over the batches, value by value; of DetectionEvaluate's mean average precision over all of them. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  /** Average precision by output and class, of a net that evaluates detections. */
  readonly classes?: ClassPrecisions | undefined;
}

/**
 * Scores a net over batches of its data, as `caffe test`: the mean of each output blob, and the objective.
 * Throws what `Net.forward` throws, and NetrunError where `iterations` is not a count.
 */
export async function testNet(net: Net, options: TestNetOptions): Promise<NetScores> {
  const { iterations, apVersion = "Integral", blobs: more, onBatch } = options;
  checkNumber("iterations", iterations, countRange("batches"));
  const wanted = onBatch && !more ? undefined : [...new Set([...net.outputs, ...(more ?? [])])];
  const sums = new Map<string, Float64Array>();
  const gathered = new Map<string, Float32Array[]>();
  const isShown = [...net.lossWeights.keys()].every((name) => net.outputs.includes(name));
  let objective = 0;
  for (let batch = 0; batch < iterations; batch++) {
    const { blobs, loss } = isShown
      ? { blobs: await net.forward({}, { blobs: wanted }), loss: 0 }
      : await net.score({}, { blobs: wanted });
    objective += loss;
    for (const name of net.outputs) {
      const { data } = blobs[name]!;
      if (net.evaluated.has(name)) {
        gathered.set(name, [...(gathered.get(name) ?? []), data.slice()]);
        continue;
      }
      const sum = sums.get(name) ?? new Float64Array(data.length);
      data.forEach((value, i) => {
        sum[i]! += value;
      });
      sums.set(name, sum);
    }
    onBatch?.(batch, blobs);
  }
  const means = Object.fromEntries([...sums].map(([name, sum]) => [name, [...sum].map((value) => value / iterations)]));
  const rows = Object.fromEntries([...gathered].map(([name, parts]) => [name, concatenated(parts)]));
  const evaluated = gathered.size > 0 ? precisions(rows, apVersion) : { outputs: {}, classes: undefined };
  const { classes } = evaluated;
  const shown = Object.entries(evaluated.outputs).map(([name, values]) => [name, [...values]] as const);
  const outputs = { ...means, ...Object.fromEntries(shown) };
  if (!isShown) return { loss: objective / iterations, outputs, ...(classes && { classes }) };
  const loss = Object.entries(outputs).reduce((total, [name, values]) => {
    const weight = net.lossWeights.get(name) ?? 0;
    return values.reduce((part, mean) => part + weight * mean, total);
  }, 0);
  return { loss, outputs, ...(classes && { classes }) };
}
