import { sub } from "../caffe/message.js";
import type { Value } from "../graph/index.js";
import { add, gather } from "../ops/index.js";
import { indicesOf } from "./indices.js";
import { computeLayer } from "./layer.js";

/**
 * Embed: y = W[x] + b, a row of W for each index: InnerProduct on one-hot vectors without making them.
 * x [...] of indices in [0, input_dim), W [input_dim, num_output], b [num_output], y [..., num_output]. x has no gradient.
 */
export const Embed = computeLayer({
  type: "Embed",
  param: "embed_param",
  bottoms: 1,
  tops: 1,
  noGradientTo: [0],
  labels: (layer) => ({ bottom: 0, classes: sub(layer, "embed_param").input_dim }),
  family: "weights",
  blobs(place) {
    const { param } = place;
    const { num_output, input_dim } = param;
    if (num_output <= 0) throw place.error("num_output must be greater than 0", "num_output");
    if (input_dim <= 0) throw place.error("input_dim must be greater than 0", "input_dim");
    const weight = { shape: [input_dim, num_output], filler: sub(param, "weight_filler") };
    return param.bias_term ? [weight, { shape: [num_output], filler: sub(param, "bias_filler") }] : [weight];
  },
  lower({ bottoms, blobs, param }) {
    const [w, b] = blobs as [Value, Value | undefined];
    const rows = gather(w, indicesOf(bottoms[0]!, param.input_dim), 0);
    return { tops: [b ? add(rows, b) : rows] };
  },
});
