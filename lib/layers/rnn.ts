import type { Value } from "../graph/index.js";
import { add, mul, tanh } from "../ops/index.js";
import { indicators } from "./implied.js";
import { computeLayer } from "./layer.js";
import {
  blobSpecs,
  firstStates,
  flagsOf,
  inputBlobs,
  inputsOfSteps,
  joinSteps,
  sequenceOf,
  sequenceTops,
  step,
  transform,
} from "./recurrent.js";

/** Hidden states: h. */
const STATES = 1;

/**
 * RNN over sequences: h_t = tanh(W_hh (cont_t h_(t-1)) + W_xh x_t + b_h [+ W_xh_static x_static]), o_t = tanh(W_ho h_t + b_o).
 * Bottoms x [t, n, ...], cont [t, n], [static [n, ...]], [h_0 [1, n, d] with `expose_hidden`]; tops o [t, n, d], [h_T].
 * Blobs: W_xh [d, k], b_h [d], [W_xh_static [d, s]], W_hh [d, d], W_ho [d, d], b_o [d]; d = num_output.
 * The hidden state goes on from one forward to the next where cont is 1. Exposed states have no gradient. `debug_info` prints in Caffe.
 */
export const RNN = computeLayer({
  type: "RNN",
  implies: indicators,
  param: "recurrent_param",
  bottoms: [2, 4],
  tops: [1, 2],
  caffeMemory: () => ({ tiesGradient: true, ignoresPropagateDown: true }),
  noGradientTo: [1],
  family: "weights",
  blobs(place) {
    const d = place.param.num_output;
    const { weight, bias } = blobSpecs(place.param);
    return [...inputBlobs(place, sequenceOf(place, STATES), d), weight(d, d), weight(d, d), bias(d)];
  },
  lower(site) {
    const sequence = sequenceOf(site, STATES);
    const { all, same, blobs } = inputsOfSteps(site, sequence);
    const [wh, wo, bo] = blobs as [Value, Value, Value];
    const first = firstStates(site, sequence, STATES);
    let [h] = first as [Value];
    const hidden: Value[] = [];
    for (let t = 0; t < sequence.steps; t++) {
      const input = add(transform(mul(h, flagsOf(site.bottoms[1]!, t)), wh), step(all, t));
      h = tanh(same ? add(input, same) : input);
      hidden.push(h);
    }
    const outputs = hidden.map((state) => tanh(transform(state, wo, bo)));
    return sequenceTops(site, joinSteps(outputs), first, [h]);
  },
});
