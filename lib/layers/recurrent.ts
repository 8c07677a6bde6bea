import { sub as message } from "../caffe/message.js";
import type { RecurrentParameter } from "../caffe/messages.js";
import { count, sameShape, type Value } from "../graph/index.js";
import { concat, gemm, reshape, slice, stopGradient } from "../ops/index.js";
import { type BlobSpec, bottomText, type Place, type Site } from "./layer.js";

/** A recurrent layer's sequence: timesteps, streams, and which bottoms there are. */
export interface Sequence {
  readonly steps: number;
  readonly streams: number;
  /** The static input [streams, ...], the same at each step. */
  readonly fixed: Value | undefined;
  /** The exposed first hidden states, [1, streams, num_output] each. */
  readonly hidden: readonly Value[];
}

/**
 * Common part of RNN and LSTM: bottoms x [t, n, ...], cont [t, n] (0 where a stream's sequence begins, else 1), a static
 * input [n, ...] where given, and with `expose_hidden` the first hidden states; tops y [t, n, num_output] and, exposed, the last
 * hidden states. `states` is the number of hidden states. Throws what Caffe checks.
 */
export function sequenceOf(place: Place<RecurrentParameter>, states: number): Sequence {
  const { param, bottoms, topCount } = place;
  const exposed = param.expose_hidden ? states : 0;
  const shapes = bottoms.map(({ type }) => type.shape);
  if (param.num_output <= 0) throw place.error("num_output must be greater than 0", "num_output");
  if (bottoms.length !== 2 + exposed && bottoms.length !== 3 + exposed) {
    const message = `${2 + exposed} bottoms, or ${3 + exposed} with a static input, are needed, not ${bottoms.length}`;
    throw place.error(message, "bottom", hiddenNotes(exposed));
  }
  if (topCount !== 1 + exposed)
    throw place.error(`${1 + exposed} tops are needed, not ${topCount}`, "top", hiddenNotes(exposed));
  const [x, cont] = shapes as [readonly number[], readonly number[]];
  if (x.length < 3) throw place.bottomError(0, `${bottomText(place, 0)} is not [timesteps, streams, ...features]`);
  const [steps, streams] = x as [number, number];
  if (steps === 0) throw place.bottomError(0, `${bottomText(place, 0)} has no timestep`);
  if (!sameShape(cont, [steps, streams])) {
    throw place.bottomError(
      1,
      `${bottomText(place, 1)}, the continuation flags, is not [${steps},${streams}] as ${bottomText(place, 0)}`,
    );
  }
  const fixed = bottoms.length > 2 + exposed ? bottoms[2] : undefined;
  if (fixed && (shapes[2]!.length < 2 || shapes[2]![0] !== streams)) {
    throw place.bottomError(2, `${bottomText(place, 2)}, a static input, is not [${streams}, ...features]`);
  }
  const first = bottoms.length - exposed;
  const state = [1, streams, param.num_output];
  for (let i = first; i < bottoms.length; i++) {
    if (sameShape(shapes[i]!, state)) continue;
    throw place.bottomError(i, `${bottomText(place, i)}, a hidden state, is not [${state}]`);
  }
  // Caffe copies hidden states in, without a way back for their gradients.
  return { steps, streams, fixed, hidden: bottoms.slice(first).map(stopGradient) };
}

const hiddenNotes = (exposed: number) => [
  exposed > 0
    ? "with expose_hidden the first hidden states are the last bottoms, and the last hidden states the last tops"
    : "hidden states are bottoms and tops with expose_hidden: true",
];

/** The blobs for what enters a step from outside: weights and bias for x, and weights for the static input. */
export function inputBlobs(
  place: Place<RecurrentParameter>,
  { fixed }: Sequence,
  outputs: number,
): readonly BlobSpec[] {
  const { weight, bias } = blobSpecs(place.param);
  const x = weight(outputs, count(place.bottoms[0]!.type.shape, 2));
  return fixed ? [x, bias(outputs), weight(outputs, count(fixed.type.shape, 1))] : [x, bias(outputs)];
}

/** Specs of a recurrent layer's weights and biases: all weights have one filler, all biases the other. */
export function blobSpecs(param: RecurrentParameter) {
  return {
    weight: (rows: number, columns: number): BlobSpec => ({
      shape: [rows, columns],
      filler: message(param, "weight_filler"),
    }),
    bias: (length: number): BlobSpec => ({ shape: [length], filler: message(param, "bias_filler") }),
  };
}

/** x's and the static input's part of each step, [1, n, outputs]; and the blobs that are left. */
export function inputsOfSteps(site: Site<RecurrentParameter>, { steps, streams, fixed }: Sequence) {
  const blobs = [...site.blobs];
  const [w, b] = blobs.splice(0, 2) as [Value, Value];
  const rows = (x: Value, axis: number) => reshape(x, [count(x.type.shape, 0, axis), count(x.type.shape, axis)]);
  const outputs = b.type.shape[0]!;
  const all = reshape(gemm(rows(site.bottoms[0]!, 2), w, { transB: true }, b), [steps, streams, outputs]);
  const same = fixed && reshape(gemm(rows(fixed, 1), blobs.shift()!, { transB: true }), [1, streams, outputs]);
  return { all, same, blobs };
}

/** Step t of a value [t, n, ...]. */
export const step = (x: Value, t: number): Value => slice(x, 0, t, t + 1);

/** The matrix product x W^T + b over the last axis of x [1, n, k]. */
export function transform(x: Value, w: Value, b?: Value): Value {
  const [, n, k] = x.type.shape as [number, number, number];
  return reshape(gemm(reshape(x, [n, k]), w, { transB: true }, b), [1, n, w.type.shape[0]!]);
}

/** The flags of a step as [1, n, 1]. They have no gradient. */
export const flagsOf = (cont: Value, t: number): Value => {
  const flags = step(stopGradient(cont), t);
  return reshape(flags, [...flags.type.shape, 1]);
};

/** Steps' values [1, n, ...] in order. */
export const joinSteps = (steps: readonly Value[]): Value => concat(steps, 0);

/**
 * The hidden states before the first step: the exposed bottoms, or those after the last step of the forward before (zeros at
 * first), which a cont of 0 in the first step forgets.
 */
export function firstStates(
  site: Site<RecurrentParameter>,
  { streams, hidden }: Sequence,
  states: number,
): readonly Value[] {
  if (site.param.expose_hidden) return hidden;
  return Array.from({ length: states }, () => site.carry([1, streams, site.param.num_output]));
}

/** The tops y and, where exposed, the last hidden states; or those as what the next forward starts with. */
export function sequenceTops(
  site: Site<RecurrentParameter>,
  y: Value,
  first: readonly Value[],
  last: readonly Value[],
) {
  if (site.param.expose_hidden) return { tops: [y, ...last.map(stopGradient)] };
  return { tops: [y], state: new Map(first.map((leaf, i) => [leaf, last[i]!] as const)) };
}
