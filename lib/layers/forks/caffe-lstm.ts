import { has, sub } from "../../caffe/message.js";
import type { LstmParameter } from "../../caffe/messages.js";
import { constant, count, type Value } from "../../graph/index.js";
import { add, boundGradient, cast, equal, gemm, mul, not, reshape, stopGradient, zeros } from "../../ops/index.js";
import { bottomText, computeLayer, type Place } from "../layer.js";
import { lstmStep } from "../lstm-unit.js";
import { joinSteps, step, transform } from "../recurrent.js";

/** Steps, streams and the size of an input. */
interface Sequence {
  readonly steps: number;
  readonly streams: number;
  readonly inputs: number;
}

/**
 * Lstm (caffe-lstm; its OCR descendants): gates_t = W_x x_t + b + W_h h_(t-1), then LSTMUnit's step.
 * x [t * n, ...] with n = `batch_size`, y [t * n, num_output]; or x [t, n, k], of 3 axes and without batch_size, y [t, n, num_output].
 * Blobs: W_x [4d, k], W_h [4d, d], b [4d]; gates in the order i, f, o, g. A second bottom `clip` [t * n] is 0 where a sequence begins,
 * and then hidden states go on from one forward to the next; without it they begin as 0 in each. `clipping_threshold` bounds the
 * gradient of the gates' inputs.
 */
export const Lstm = computeLayer({
  type: "Lstm",
  param: "lstm_param",
  bottoms: [1, 2],
  tops: 1,
  noGradientTo: [1],
  family: "weights",
  blobs(place) {
    const d = place.param.num_output;
    if (d <= 0) throw place.error("num_output must be greater than 0", "num_output");
    const filler = sub(place.param, "weight_filler");
    const { inputs } = sequenceOf(place);
    return [
      { shape: [4 * d, inputs], filler },
      { shape: [4 * d, d], filler },
      { shape: [4 * d], filler: sub(place.param, "bias_filler") },
    ];
  },
  lower(site) {
    const { steps, streams, inputs } = sequenceOf(site);
    const { num_output: d, clipping_threshold: limit } = site.param;
    const [x, clip] = site.bottoms as [Value, Value | undefined];
    const [wx, wh, b] = site.blobs as [Value, Value, Value];
    const all = reshape(gemm(reshape(x, [steps * streams, inputs]), wx, { transB: true }, b), [steps, streams, 4 * d]);
    const begins = clip && reshape(stopGradient(clip), [steps, streams, 1]);
    const state = [1, streams, d];
    const first = clip ? [site.carry(state), site.carry(state)] : [zeros(state), zeros(state)];
    let [h, c] = first as [Value, Value];
    const outputs: Value[] = [];
    for (let t = 0; t < steps; t++) {
      const cont = begins
        ? cast(not(equal(step(begins, t), constant(0))), "float32")
        : constant(new Float32Array(streams).fill(t > 0 ? 1 : 0), [1, streams, 1]);
      const gates = add(step(all, t), mul(transform(h, wh), cont));
      [c, h] = lstmStep(c, limit > 0 ? boundGradient(gates, limit) : gates, cont);
      outputs.push(h);
    }
    const y = joinSteps(outputs);
    const top = isOfSteps(site) ? y : reshape(y, [steps * streams, d]);
    return {
      tops: [top],
      ...(clip && { state: new Map([[first[0]!, h] as const, [first[1]!, c] as const]) }),
    };
  },
});

/** Tests whether x is [t, n, k]. */
const isOfSteps = ({ param, bottoms }: Place<LstmParameter>): boolean =>
  bottoms[0]!.type.shape.length === 3 && !has(param, "batch_size");

function sequenceOf(place: Place<LstmParameter>): Sequence {
  const { shape } = place.bottoms[0]!.type;
  const { batch_size: size } = place.param;
  const [rows = 0] = shape;
  if (isOfSteps(place)) return checked(place, { steps: rows, streams: shape[1]!, inputs: shape[2]! });
  if (shape.length < 2) throw place.bottomError(0, `${bottomText(place, 0)} is not [steps * streams, ...features]`);
  if (size <= 0 || rows % size !== 0)
    throw place.error(`batch_size ${size} does not divide the ${rows} rows of ${bottomText(place, 0)}`, "batch_size");
  return checked(place, { steps: rows / size, streams: size, inputs: count(shape, 1) });
}

function checked(place: Place<LstmParameter>, sequence: Sequence): Sequence {
  if (sequence.steps === 0) throw place.bottomError(0, `${bottomText(place, 0)} has no timestep`);
  const clip = place.bottoms[1];
  if (clip && count(clip.type.shape) !== sequence.steps * sequence.streams)
    throw place.bottomError(1, `${bottomText(place, 1)} is not one flag for each row of ${bottomText(place, 0)}`);
  return sequence;
}
