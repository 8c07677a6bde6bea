import type { LayerParameter } from "../caffe/messages.js";
import type { Tensors } from "../data/tensor.js";
import { count } from "../graph/index.js";
import { registeredTypes } from "../layers/index.js";
import type { ModelFile } from "../onnx/file.js";
import { random } from "../random.js";
import { Program } from "../run/program.js";
import { type AccuracyComparison, Hits } from "./accuracy.js";
import { type Bound, type Difference, Differences } from "./difference.js";
import { type Preprocessing, preprocess } from "./preprocess.js";
import type { VerificationBatch } from "./rows.js";

/** Reference of a written model. */
export interface VerifyContext {
  readonly layers: readonly LayerParameter[];
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly outputs: readonly string[];
  /** Preprocessing inside the file. */
  readonly preprocessing: Preprocessing | undefined;
}

/** The net as training would compute it: unfolded, with the ops that have gradients. */
export class PlainNet implements AsyncDisposable {
  readonly #program: Program;
  readonly #context: VerifyContext;

  constructor(context: VerifyContext) {
    this.#context = context;
    this.#program = new Program(
      { layers: context.layers, phase: "TEST", types: registeredTypes() },
      { optimise: false },
    );
  }

  /** Blobs by name, for inputs as the written file takes them. */
  async run(inputs: Tensors, blobs: readonly string[]): Promise<Tensors> {
    const { preprocessing, weights } = this.#context;
    const image = preprocessing && inputs[preprocessing.input];
    const seen = image ? { ...inputs, [preprocessing.input]: preprocess(image, preprocessing) } : inputs;
    const shapes = new Map(Object.entries(inputs).map(([name, { shape }]) => [name, shape]));
    const data = Object.fromEntries(Object.entries(seen).map(([name, tensor]) => [name, tensor.data]));
    // A written model starts with nothing carried on from a run before.
    this.#program.carry({});
    const result = await this.#program.run({ blobs }, { data, shapes, weights, draw: [1, 0] });
    return Object.fromEntries(
      blobs.map((name) => [name, { shape: result.shapes[name]!, data: result.blobs[name]! }] as const),
    );
  }

  /** The net for inputs of these shapes. */
  lower(shapes: ReadonlyMap<string, readonly number[]>) {
    return this.#program.lower(shapes);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]();
  }
}

/** Result of a check over batches. */
export interface Verified {
  readonly differences: readonly Difference[];
  /** Of outputs that score classes, where the batches say the classes. */
  readonly accuracy: readonly AccuracyComparison[];
}

/**
 * Runs the plain net and the written model in onnxruntime on the same inputs; the differences of each output over all batches.
 * `detections` are outputs whose rows may come in another order.
 */
export async function verify(
  net: PlainNet,
  file: ModelFile,
  outputs: readonly string[],
  batches: AsyncIterable<VerificationBatch> | Iterable<VerificationBatch>,
  bound: Bound,
  detections: ReadonlySet<string>,
): Promise<Verified> {
  const differences = new Map(outputs.map((output) => [output, new Differences(output)]));
  const hits = new Hits();
  for await (const batch of batches) {
    const expected = await net.run(batch.inputs, outputs);
    const actual = await file.run(batch.inputs);
    for (const output of outputs) {
      const [a, b] = [actual[output]!, expected[output]!];
      const difference = differences.get(output)!;
      if (detections.has(output)) difference.addDetections(a, b);
      else difference.add(a, b);
      hits.add(output, a, b, batch);
    }
  }
  return { differences: [...differences.values()].map((each) => each.result(bound)), accuracy: hits.result() };
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
