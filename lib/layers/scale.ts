import { create, has, sub } from "../caffe/message.js";
import type { ScaleParameter } from "../caffe/messages.js";
import type { Value } from "../graph/index.js";
import { add, channelAffine, mul } from "../ops/index.js";
import { alongBottom, broadcastBlobShape } from "./broadcast.js";
import { canonicalAxis, computeLayer, type Site } from "./layer.js";

const ONE = create("FillerParameter", { type: "constant", value: 1 });

/**
 * Scale: y = x * s, or x * s + b with `bias_term`, broadcast over x from `axis` on. With one bottom s is trainable and has `num_axes`
 * axes of x from `axis` on (-1 all, 0 a scalar) and starts as 1 without a filler; with two it is the second, whose shape says what
 * it covers. b is trainable and has the shape of s.
 */
export const Scale = computeLayer({
  type: "Scale",
  param: "scale_param",
  bottoms: [1, 2],
  tops: 1,
  sees: "place",
  affine: { roles: ["scale", "shift"] },
  blobs(place) {
    const { param, bottoms } = place;
    const second = bottoms[1];
    const filler = has(param, "filler") ? sub(param, "filler") : ONE;
    const own = second ? [] : [{ shape: broadcastBlobShape(place), filler }];
    if (!param.bias_term) return own;
    const shape = broadcastBlobShape(place, second?.type.shape.length);
    return [...own, { shape, filler: sub(param, "bias_filler") }];
  },
  lower(site) {
    const [x, second] = site.bottoms;
    const [s, b] = site.blobs as [Value, Value | undefined];
    // A number for each channel, as after BatchNorm, is an op of its own, which targets know how to join with its neighbours.
    if (!second && s.type.shape.length === 1 && canonicalAxis(site, site.param.axis, x!.type.shape.length) === 1)
      return { tops: [channelAffine(x!, s, b)] };
    return { tops: [scaled(site)] };
  },
  // Folded into the layer before, or two nodes of a file.
  lowerForInference: (site) => [scaled(site)],
});

function scaled(site: Site<ScaleParameter>): Value {
  const [x, second] = site.bottoms;
  const product = mul(x!, alongBottom(site, second ?? site.blobs[0]!));
  return site.param.bias_term ? add(product, alongBottom(site, site.blobs.at(-1)!)) : product;
}
