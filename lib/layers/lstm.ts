import type { Value } from "../graph/index.js";
import { add, mul } from "../ops/index.js";
import { indicators } from "./implied.js";
import { computeLayer } from "./layer.js";
import { lstmStep } from "./lstm-unit.js";
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

/** Hidden states: h, c. */
const STATES = 2;

/**
 * LSTM over sequences: gates_t = W_xc x_t + b_c + W_hc (cont_t h_(t-1)) [+ W_xc_static x_static], then LSTMUnit's step.
 * Bottoms x [t, n, ...], cont [t, n], [static [n, ...]], [h_0, c_0 [1, n, d] with `expose_hidden`]; tops h [t, n, d], [h_T, c_T].
 * Blobs: W_xc [4d, k], b_c [4d], [W_xc_static [4d, s]], W_hc [4d, d]; gates in the order i, f, o, g; d = num_output.
 * Hidden states go on from one forward to the next where cont is 1. Exposed states have no gradient. `debug_info` prints in Caffe.
 */
export const LSTM = computeLayer({
  type: "LSTM",
  implies: indicators,
  param: "recurrent_param",
  bottoms: [2, 5],
  tops: [1, 3],
  caffeMemory: () => ({ tiesGradient: true, ignoresPropagateDown: true }),
  noGradientTo: [1],
  family: "weights",
  blobs(place) {
    const d = place.param.num_output;
    return [...inputBlobs(place, sequenceOf(place, STATES), 4 * d), blobSpecs(place.param).weight(4 * d, d)];
  },
  lower(site) {
    const sequence = sequenceOf(site, STATES);
    const { all, same, blobs } = inputsOfSteps(site, sequence);
    const [w] = blobs as [Value];
    const first = firstStates(site, sequence, STATES);
    let [h, c] = first as [Value, Value];
    const outputs: Value[] = [];
    for (let t = 0; t < sequence.steps; t++) {
      const cont = flagsOf(site.bottoms[1]!, t);
      const gates = add(transform(mul(h, cont), w), step(all, t));
      [c, h] = lstmStep(c, same ? add(gates, same) : gates, cont);
      outputs.push(h);
    }
    return sequenceTops(site, joinSteps(outputs), first, [h, c]);
  },
});
