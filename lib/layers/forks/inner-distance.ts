import { sub as message } from "../../caffe/message.js";
import type { InnerDistanceParameter } from "../../caffe/messages.js";
import { constant, count, type Value } from "../../graph/index.js";
import { abs, add, div, mul, reduceSum, reshape, sqrt, stopGradient, sub, withGradientOf } from "../../ops/index.js";
import { bottomText, canonicalAxis, computeLayer, type Place } from "../layer.js";

/**
 * InnerDistance (NormFace): y = the squared distance of each row of x to each row of W ("L2"), or the sum of absolute differences
 * ("L1"), + b. x [n..., k...] from `axis` on, W [num_output, k], or the second bottom, b, or the third, y [n..., num_output].
 * With `normalize` rows of W have length 1, as in InnerProduct.
 */
export const InnerDistance = computeLayer({
  type: "InnerDistance",
  param: "inner_distance_param",
  bottoms: [1, 3],
  tops: 1,
  family: "weights",
  blobs(place) {
    const { param, bottoms } = place;
    if (bottoms.length > 1) return [];
    const { n, k } = sizes(place);
    const weight = { shape: [n, k], filler: message(param, "weight_filler") };
    return param.bias_term ? [weight, { shape: [n], filler: message(param, "bias_filler") }] : [weight];
  },
  lower(site) {
    const { param, bottoms } = site;
    const { distance_type: type } = param;
    if (type !== "L2" && type !== "L1")
      throw site.error(`distance_type "${type}" is none of "L2" and "L1"`, "distance_type");
    const { n, k, axis } = sizes(site);
    const { shape } = bottoms[0]!.type;
    const x = reshape(bottoms[0]!, [count(shape, 0, axis), 1, k]);
    const w = reshape(bottoms[1] ?? site.blobs[0]!, [1, n, k]);
    const to = param.normalize && !bottoms[1] ? unit(w) : w;
    const apart = sub(x, to);
    const y = reduceSum(type === "L2" ? mul(apart, apart) : abs(apart), [2]);
    const b = param.bias_term ? (bottoms[2] ?? site.blobs[1]) : undefined;
    return { tops: [reshape(b ? add(y, reshape(b, [n])) : y, [...shape.slice(0, axis), n])] };
  },
});

/** Rows of length 1, with the gradient of the fork, which scales W itself in each forward, in proportion to W's length. */
function unit(w: Value): Value {
  const lengths = stopGradient(sqrt(add(reduceSum(mul(w, w), [2], true), constant(1e-6))));
  return withGradientOf(div(w, lengths), mul(w, lengths));
}

function sizes(place: Place<InnerDistanceParameter>): {
  readonly n: number;
  readonly k: number;
  readonly axis: number;
} {
  const { shape } = place.bottoms[0]!.type;
  const axis = canonicalAxis(place, place.param.axis, shape.length);
  const k = count(shape, axis);
  const given = place.bottoms[1]?.type.shape;
  const n = given ? count(given) / k : place.param.num_output;
  if (given && given[0] !== n)
    throw place.bottomError(
      1,
      `${bottomText(place, 1)} has no weights for the ${k} entries of ${bottomText(place, 0)}`,
    );
  if (n <= 0) throw place.error("num_output must be greater than 0", "num_output");
  const biases = place.bottoms[2];
  if (biases && count(biases.type.shape) !== n)
    throw place.bottomError(
      2,
      `${bottomText(place, 2)} is not ${n} biases, one for each row of ${bottomText(place, 1)}`,
    );
  return { n, k, axis };
}
