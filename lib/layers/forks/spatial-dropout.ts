import { constant } from "../../graph/index.js";
import { cast, greaterOrEqual, mul } from "../../ops/index.js";
import { bottomText, computeLayer } from "../layer.js";

/**
 * SpatialDropout (ENet, Intel): in TRAIN, and with sample_weights_test in TEST, y = x * mask / (1 - dropout_ratio), each plane of x
 * [n, c, ...] kept or dropped as a whole; else y = x. The forks draw a number for each channel, and the planes of items after the
 * first read memory behind these; here each plane has its own.
 * Source: jtetrea/caffe-enet, spatial_dropout_layer.cu.
 */
export const SpatialDropout = computeLayer({
  type: "SpatialDropout",
  param: "spatial_dropout_param",
  bottoms: 1,
  tops: 1,
  sees: "place",
  lower(site) {
    const x = site.bottoms[0]!;
    const { shape } = x.type;
    const { dropout_ratio: ratio, sample_weights_test: drawsInTest } = site.param;
    if (!(ratio >= 0 && ratio < 1)) throw site.error(`dropout_ratio ${ratio} is not in [0, 1)`, "dropout_ratio");
    if (shape.length < 2) throw site.bottomError(0, `${bottomText(site, 0)} has no channels`);
    if (ratio === 0 || (site.phase === "TEST" && !drawsInTest)) return { tops: [x] };
    const planes = shape.map((dim, axis) => (axis < 2 ? dim : 1));
    const kept = cast(greaterOrEqual(site.random(planes), constant(ratio)), "float32");
    return { tops: [mul(x, mul(kept, constant(1 / (1 - ratio))))] };
  },
});
