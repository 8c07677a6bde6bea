import { sub } from "../caffe/message.js";
import { add } from "../ops/index.js";
import { alongBottom, broadcastBlobShape } from "./broadcast.js";
import { computeLayer } from "./layer.js";

/**
 * Bias: y = x + b, b broadcast over x from `axis` on. With one bottom b is trainable and has `num_axes` axes of x from `axis` on
 * (-1 all, 0 or a fork's channel_shared a scalar); with two it is the second, whose shape says what it covers.
 */
export const Bias = computeLayer({
  type: "Bias",
  param: "bias_param",
  bottoms: [1, 2],
  tops: 1,
  sees: "place",
  affine: { roles: ["shift"] },
  blobs(place) {
    if (place.bottoms.length > 1) return [];
    const shape = place.param.channel_shared ? [] : broadcastBlobShape(place);
    return [{ shape, filler: sub(place.param, "filler") }];
  },
  lower(site) {
    const [x, second] = site.bottoms;
    return { tops: [add(x!, alongBottom(site, second ?? site.blobs[0]!))] };
  },
});
