import { sub } from "../../caffe/message.js";
import type { RecurrentParameter } from "../../caffe/messages.js";
import { constant, sameShape, type Value, count } from "../../graph/index.js";
import { add, cast, gemm, greater, mul, reshape, stopGradient, zeros } from "../../ops/index.js";
import { indicators } from "../implied.js";
import { bottomText, computeLayer, type Place } from "../layer.js";
import { lstmStep } from "../lstm-unit.js";
import { joinSteps, step, transform } from "../recurrent.js";

/**
 * SLLSTM (caffe-action): gates_t = W_x x_t + b + W_h h_(t-1) [+ W_s s], then LSTMUnit's step. Bottoms x [t, n, k], a marker [t, n] that
 * is above 0 where a sequence goes on, and a static input s [n, k]; without a marker a stream is one sequence. y [t, n, d], d =
 * num_output. Hidden states begin as 0 in each forward. Blobs: W_h [4d, d], b [4d], W_x [4d, k], [W_s [4d, k]]; gates in the order i, f,
 * o, g. Source: Lyp100208/Caffe_action, sllstm_layer.cpp.
 */
export const SLLSTM = computeLayer({
  type: "SLLSTM",
  implies: indicators,
  param: "recurrent_param",
  bottoms: [1, 3],
  tops: 1,
  noGradientTo: [1],
  family: "weights",
  blobs(place) {
    const { num_output: d } = place.param;
    const { inputs } = sequenceOf(place);
    const filler = sub(place.param, "weight_filler");
    const blobs = [
      { shape: [4 * d, d], filler },
      { shape: [4 * d], filler: sub(place.param, "bias_filler") },
      { shape: [4 * d, inputs], filler },
    ];
    return place.bottoms.length > 2 ? [...blobs, { shape: [4 * d, inputs], filler }] : blobs;
  },
  lower(site) {
    const { steps, streams, inputs } = sequenceOf(site);
    const d = site.param.num_output;
    const [x, marker, same] = site.bottoms as [Value, Value | undefined, Value | undefined];
    const [wh, b, wx, ws] = site.blobs as [Value, Value, Value, Value | undefined];
    const all = reshape(gemm(reshape(x, [steps * streams, inputs]), wx, { transB: true }, b), [steps, streams, 4 * d]);
    const fixed = same && transform(reshape(same, [1, streams, inputs]), ws!);
    const goesOn = marker && cast(greater(stopGradient(marker), constant(0)), "float32");
    let [h, c]: [Value, Value] = [zeros([1, streams, d]), zeros([1, streams, d])];
    const outputs: Value[] = [];
    for (let t = 0; t < steps; t++) {
      const flat = (value: number) => constant(new Float32Array(streams).fill(value), [1, streams, 1]);
      const cont = t === 0 ? flat(0) : goesOn ? reshape(step(goesOn, t), [1, streams, 1]) : flat(1);
      const gates = add(step(all, t), mul(transform(h, wh), cont));
      [c, h] = lstmStep(c, fixed ? add(gates, fixed) : gates, cont);
      outputs.push(h);
    }
    return { tops: [joinSteps(outputs)] };
  },
});

/** Steps, streams and the size of an input. Throws for bottoms that do not fit each other. */
function sequenceOf(place: Place<RecurrentParameter>) {
  const { param, error, bottomError, bottoms } = place;
  const [x, marker, same] = bottoms.map(({ type }) => type.shape);
  if (param.num_output <= 0) throw error("num_output must be greater than 0", "num_output");
  if (param.expose_hidden) throw error("SLLSTM layers do not expose their hidden states", "expose_hidden");
  if (x!.length !== 3 || count(x!) === 0)
    throw bottomError(0, `${bottomText(place, 0)} is not [timesteps, streams, features]`);
  const [steps, streams, inputs] = x as [number, number, number];
  if (marker && count(marker) !== steps * streams)
    throw bottomError(1, `${bottomText(place, 1)} is not a flag for each step and stream of ${bottomText(place, 0)}`);
  if (same && !sameShape(same, [streams, inputs]))
    throw bottomError(2, `${bottomText(place, 2)}, a static input, is not [${streams},${inputs}]`);
  return { steps, streams, inputs };
}
