import {
  type Constant,
  constant,
  count,
  isOp,
  labelled,
  type Node,
  rewrite,
  topological,
  type Value,
} from "../../graph/index.js";
import { Add, Conv, ConvTranspose, Div, Gemm, Mul, Sub } from "../../ops/index.js";
import { BatchNormalization, batchNormalization } from "../../ops/inference.js";
import type { Affine, FoldedWeights, Runs } from "./folded-weights.js";
import { again, constantData } from "./simplify.js";

/**
 * Folds what only scales and shifts channels into the convolution or inner product before it, which needs weights that are
 * constants and no other user; BatchNorm with Scale after anything else becomes one BatchNormalization.
 * Exact up to rounding: products are taken in double and rounded to float once. `isFoldable` tells labels of layers whose part in
 * others' weights can be undone when weights come back. Weights that several layers share are no layer's own to change.
 */
export function foldAffine(
  values: readonly Value[],
  memo: FoldedWeights,
  isFoldable: (label: string) => boolean,
): Folded {
  const users = new Map<Value, number>();
  const use = (value: Value) => users.set(value, (users.get(value) ?? 0) + 1);
  for (const value of values) use(value);
  for (const node of topological(values)) node.inputs.forEach(use);
  const layers = new Map<string, Set<string>>();
  const become = rewrite(values, (node, inputs) => {
    const at = operand(node, inputs);
    if (at === undefined || users.get(node.inputs[at]!) !== 1) return undefined;
    const x = inputs[at]!;
    if (x.node.label !== node.label && !isFoldable(node.label)) return undefined;
    if (x.node.inputs.slice(1).some((weights) => (users.get(weights) ?? 0) > 1)) return undefined;
    const affine = affineOf(node, inputs, at);
    const folded = affine && labelled(x.node.label, () => into(x, affine, memo));
    if (!folded) return undefined;
    const { label } = folded.node;
    if (label !== node.label) layers.set(label, (layers.get(label) ?? new Set<string>()).add(node.label));
    return [folded];
  });
  return { become, layers };
}

/** Values after folding, and the layers that became part of others. */
export interface Folded {
  readonly become: ReadonlyMap<Value, Value>;
  readonly layers: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Input that is scaled or shifted by the others. */
function operand(node: Node, inputs: readonly Value[]): number | undefined {
  if (isOp(node, BatchNormalization)) return 0;
  if (isOp(node, Sub) || isOp(node, Div)) return constantData(inputs[1]!) ? 0 : undefined;
  if (!isOp(node, Add) && !isOp(node, Mul)) return undefined;
  return constantData(inputs[1]!) ? 0 : constantData(inputs[0]!) ? 1 : undefined;
}

function affineOf(node: Node, inputs: readonly Value[], at: number): Affine | undefined {
  const { shape } = inputs[at]!.type;
  const channels = shape[1];
  if (channels === undefined || node.outputs[0]!.type.shape.join() !== shape.join()) return undefined;
  if (isOp(node, BatchNormalization)) {
    const [s, b, mean, variance] = inputs.slice(1).map((value) => constantData(value)?.data as Float32Array);
    if (!s || !b || !mean || !variance) return undefined;
    const scale = Float64Array.from(s, (x, i) => x / Math.sqrt(variance[i]! + node.attrs.epsilon));
    return { scale, shift: Float64Array.from(b, (x, i) => x - mean[i]! * scale[i]!) };
  }
  const by = perChannel(constantData(inputs[1 - at]!)!, shape);
  if (!by) return undefined;
  const [zeros, ones] = [0, 1].map((x) => new Float64Array(channels).fill(x)) as [Float64Array, Float64Array];
  if (isOp(node, Add)) return { scale: ones, shift: by };
  if (isOp(node, Sub)) return { scale: ones, shift: by.map((x) => -x) };
  return { scale: isOp(node, Div) ? by.map((x) => 1 / x) : by, shift: zeros };
}

/** A constant's number for each channel of a tensor that it stretches over; undefined if it differs within one. */
function perChannel({ dtype, shape, data }: Constant, of: readonly number[]): Float64Array | undefined {
  const channels = of[1]!;
  if (dtype !== "float32" || count(shape) !== data.length) return undefined;
  if (data.length === 1) return new Float64Array(channels).fill((data as Float32Array)[0]!);
  const axis = shape.length - (of.length - 1);
  const fits = axis >= 0 && shape[axis] === channels && data.length === channels;
  return fits ? Float64Array.from(data as Float32Array) : undefined;
}

/** x's node with the affine map taken into its weights, if it has some that are constants. */
function into(x: Value, affine: Affine, memo: FoldedWeights): Value | undefined {
  const { node } = x;
  const [input, w, b] = node.inputs;
  if (isOp(node, BatchNormalization)) {
    const [scale, bias, mean, variance] = node.inputs.slice(1);
    const s = constantData(scale!)?.data as Float32Array | undefined;
    const t = constantData(bias!)?.data as Float32Array | undefined;
    if (!s || !t) return undefined;
    const scaled = constant(memo.scaled(s, PER_CHANNEL, affine.scale), scale!.type.shape);
    const shifted = constant(memo.shifted(t, affine, t), bias!.type.shape);
    return batchNormalization(input!, [scaled, shifted, mean!, variance!], node.attrs.epsilon);
  }
  const runs = channelRuns(node);
  const weights = w && (constantData(w)?.data as Float32Array | undefined);
  const bias = b && (constantData(b)?.data as Float32Array | undefined);
  if (!runs || !weights || (b && !bias)) return undefined;
  const channels = affine.scale.length;
  if (bias && bias.length !== channels) return undefined;
  const scales = affine.scale.some((s) => s !== 1);
  const newW = scales ? constant(memo.scaled(weights, runs, affine.scale), w.type.shape) : w;
  const newB = memo.shifted(bias ?? new Float32Array(channels), affine, bias ?? weights);
  return again(node, input!, newW, constant(newB, [channels]));
}

/** Weights of which each is a channel's own. */
const PER_CHANNEL: Runs = { length: 1, channelOf: (run) => run };

function channelRuns(node: Node): Runs | undefined {
  const shape = node.inputs[1]?.type.shape;
  if (isOp(node, Conv)) return { length: count(shape!, 1), channelOf: (run) => run };
  if (isOp(node, ConvTranspose)) {
    // Weights [c, k/group, ...]: rows of group g make the channels from g * k/group on.
    const [c, perGroup] = shape as [number, number];
    const rows = c / node.attrs.group;
    const channelOf = (run: number) => Math.floor(run / perGroup / rows) * perGroup + (run % perGroup);
    return { length: count(shape!, 2), channelOf };
  }
  if (isOp(node, Gemm) && !node.attrs.transA) {
    const columns = shape![1]!;
    return node.attrs.transB
      ? { length: columns, channelOf: (run) => run }
      : { length: 1, channelOf: (run) => run % columns };
  }
  return undefined;
}
