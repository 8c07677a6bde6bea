import type { LayerParameter } from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import { constant, count, inputName, topological, type Value } from "../graph/index.js";
import { inferenceTypes } from "../layers/index.js";
import { type LoweredNet, lower } from "../net/lower.js";
import { evaluate } from "../onnx/evaluate.js";
import { NotFree, type Probe } from "../onnx/write/index.js";
import { type FoldedWeights, formulate, type InferenceForm, standardInference } from "../targets/index.js";
import type { InferenceNet } from "./net.js";
import { type Preprocessing, preprocessed } from "./preprocess.js";

/** Common parts of all probes of a conversion. */
export interface BuildContext extends InferenceForm {
  readonly layers: readonly LayerParameter[];
  readonly foldedWeights: FoldedWeights;
  /** True if some dims are to be left open. */
  readonly openDims: boolean;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly outputs: readonly string[];
  /** True if height and width of images are among them. */
  readonly openSpatial: boolean;
  /** Preprocessing of inputs before the net in the graph. */
  readonly preprocessing: Preprocessing | undefined;
}

/** A probe, and which layers folding made part of which others. */
export interface Built extends Probe {
  readonly folded: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Sizes that depend on data are taken as this number by every layer that asks. */
const sizesOf = (size: number): ReadonlyMap<string, number> =>
  ({ get: () => size }) as unknown as ReadonlyMap<string, number>;

/** The inference graph of a net for some shapes of its inputs: weights are constants, and what can be folded is. */
export async function build(
  context: BuildContext,
  shapes: ReadonlyMap<string, readonly number[]>,
  size: number,
): Promise<Built> {
  const net = lower(context.layers, {
    phase: "TEST",
    shapes,
    types: inferenceTypes(context),
    sizes: sizesOf(size),
  });
  let folded: Built["folded"] = new Map();
  const outputs = new Map(context.outputs.map((name) => [name, net.blobs.get(name)!]));
  const graph = await formulate({ outputs, blobs: net.blobs }, standardInference(context), {
    ...context,
    leaves: leavesOf(net, context),
    evaluate,
    onFolded: (layers) => {
      folded = layers;
    },
  });
  return { ...graph, folded };
}

/** Inputs and outputs of an ONNX graph have one space of names. */
function refuseTwice(net: LoweredNet, outputs: readonly string[]): readonly string[] {
  const name = outputs.find((each) => net.inputs.has(each));
  if (name === undefined) return outputs;
  if (inputName(net.blobs.get(name)!) === name)
    throw new NetrunError(`blob "${name}" is an input, which no layer changes`, {
      notes: ["name blobs that layers compute as outputs"],
    });
  throw new NetrunError(`blob "${name}" is an input and an output, which have to have different names in ONNX`, {
    notes: ["give the layer that changes it in place a top of another name"],
  });
}

/** The blobs that a file gives: those asked for, or what no layer consumes and some layer computes; silenced ones where there are no others. */
export function outputsOf(
  net: LoweredNet,
  wanted: readonly string[] | undefined,
  { silenced, targets }: Pick<InferenceNet, "silenced" | "targets">,
): readonly string[] {
  if (!wanted || wanted.length === 0) {
    // An input under another name (after Dropout alone, say) is a result like any other.
    const trainable = new Set(net.parameters.map(({ value }) => value));
    const isTarget = (name: string) =>
      targets.has(name) &&
      !topological([net.blobs.get(name)!]).some(({ outputs }) => outputs.some((value) => trainable.has(value)));
    const results = net.outputs.filter((name) => !isTarget(name) && inputName(net.blobs.get(name)!) !== name);
    const loud = results.filter((name) => !silenced.has(name));
    // Who reads blobs from a running net may silence all that it computes.
    const own = loud.length > 0 ? loud : results;
    if (own.length === 0) throw new NetrunError("the net computes nothing from its inputs");
    return refuseTwice(net, own);
  }
  for (const name of wanted) {
    if (net.blobs.has(name)) continue;
    const near = nearest(name, net.blobs.keys());
    throw new NetrunError(`the net has no blob "${name}"`, {
      notes: [near ? `did you mean "${near}"?` : `there are: ${[...net.blobs.keys()].join(", ")}`],
    });
  }
  return refuseTwice(net, wanted);
}

/** Values of leaves: preprocessed images for images, constants for parameters and for what recurrent layers carry on, which starts as zeros. */
function leavesOf(net: LoweredNet, { weights, preprocessing }: BuildContext): ReadonlyMap<Value, Value> {
  const leaves = new Map<Value, Value>();
  const image = preprocessing && net.inputs.get(preprocessing.input);
  if (image) leaves.set(image, preprocessed(image, preprocessing));
  for (const { key, value, spec } of net.parameters) {
    const data = weights.get(key)!;
    if (data.length !== count(spec.shape))
      throw new NotFree(`the size of blob ${key} depends on the shape of the input`);
    leaves.set(value, constant(data, spec.shape));
  }
  for (const carried of net.carries.keys()) {
    const { shape } = carried.type;
    leaves.set(carried, constant(new Float32Array(count(shape)), shape));
  }
  return leaves;
}
