import type { LayerParameter } from "../caffe/messages.js";
import type { Tensor } from "../data/tensor.js";
import { Program } from "../engine/program.js";
import { count } from "../graph/index.js";
import { registeredTypes } from "../layers/index.js";
import { layoutOf, view } from "../net/layout.js";
import { openModelFile } from "../onnx/file.js";
import { random } from "../random.js";
import { type Preprocessing, preprocess } from "./preprocess.js";
import type { Difference } from "./options.js";

/** Tensors by blob name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** What a written model is compared with, and how closely. */
export interface VerifyContext {
  readonly layers: readonly LayerParameter[];
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly outputs: readonly string[];
  /** What the file does to its image before the net. */
  readonly preprocessing: Preprocessing | undefined;
  /** Bounds: the largest difference may be `absolute` plus `relative` of the output's largest value. */
  readonly bound: { readonly absolute: number; readonly relative: number };
}

/**
 * Runs the net as training would compute it (unfolded, with the ops that have gradients) and the written model in onnxruntime
 * on the same inputs; the largest differences of each output over all batches.
 */
export async function verify(
  model: Uint8Array | string,
  context: VerifyContext,
  batches: readonly Tensors[],
): Promise<readonly Difference[]> {
  const { layers, outputs } = context;
  await using program = new Program({ layers, phase: "TEST", types: registeredTypes() });
  await using file = await openModelFile(model);
  const worst = new Map<string, Difference>();
  for (const inputs of batches) {
    const { preprocessing } = context;
    const image = preprocessing && inputs[preprocessing.input];
    const seen = image ? { ...inputs, [preprocessing.input]: preprocess(image, preprocessing) } : inputs;
    const shapes = new Map(Object.entries(inputs).map(([name, { shape }]) => [name, shape]));
    const data = Object.fromEntries(Object.entries(seen).map(([name, tensor]) => [name, tensor.data]));
    const weights = flatWeights(program, shapes, context.weights);
    const expected = await program.run({ blobs: outputs }, { data, shapes, weights, draw: [1, 0] });
    const actual = await file.run(inputs);
    for (const output of outputs) {
      const wanted = { shape: expected.shapes[output]!, data: expected.blobs[output]! };
      const difference = compare(output, actual[output]!, wanted, context.bound);
      const before = worst.get(output);
      if (!before || !(difference.absolute <= before.absolute)) worst.set(output, difference);
    }
  }
  return [...worst.values()];
}

function flatWeights(
  program: Program,
  shapes: ReadonlyMap<string, readonly number[]>,
  weights: ReadonlyMap<string, Float32Array>,
): Float32Array {
  const layout = layoutOf(program.lower(shapes));
  const flat = new Float32Array(layout.length);
  for (const [key, slot] of layout.slots) view(flat, slot).set(weights.get(key)!);
  return flat;
}

/** The differences of a tensor from what it should be. A wrong shape, or NaN on one side alone, is infinitely far. */
export function compare(output: string, actual: Tensor, expected: Tensor, bound: VerifyContext["bound"]): Difference {
  const far = { output, absolute: Number.POSITIVE_INFINITY, relative: Number.POSITIVE_INFINITY, within: false };
  if (actual.shape.join() !== expected.shape.join()) return far;
  let absolute = 0;
  let greatest = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [actual.data[i]!, expected.data[i]!];
    if (Object.is(a, b) || a === b) {
      if (Number.isFinite(b)) greatest = Math.max(greatest, Math.abs(b));
      continue;
    }
    const difference = Math.abs(a - b);
    if (Number.isNaN(difference)) return far;
    absolute = Math.max(absolute, difference);
    greatest = Math.max(greatest, Math.abs(b));
  }
  const relative = absolute === 0 ? 0 : absolute / greatest;
  return { output, absolute, relative, within: absolute <= bound.absolute + bound.relative * greatest };
}

/** Inputs for a check: noise in [-0.5, 0.5), and for Faster R-CNN's `im_info` and `rois` an image's size and boxes within it. */
export function randomInputs(shapes: ReadonlyMap<string, readonly number[]>, seed: number): Tensors {
  const image = [...shapes.values()].find((shape) => shape.length === 4) ?? [1, 3, 1, 1];
  const [height, width] = image.slice(2) as [number, number];
  return Object.fromEntries(
    [...shapes].map(([name, shape], i) => {
      const noise = random(seed, i);
      const data = new Float32Array(count(shape));
      if (name === "im_info") data.set([height, width, 1]);
      else if (name === "rois" && shape.at(-1) === 5) {
        for (let r = 0; r < data.length; r += 5) {
          const [x, y] = [noise.uniform() * width * 0.5, noise.uniform() * height * 0.5];
          data.set([0, x, y, x + noise.uniform() * width * 0.5, y + noise.uniform() * height * 0.5], r);
        }
      } else for (let j = 0; j < data.length; j++) data[j] = noise.uniform() - 0.5;
      return [name, { shape, data }];
    }),
  );
}
