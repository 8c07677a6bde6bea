import { reshape, tile } from "../../ops/index.js";
import { computeLayer } from "../layer.js";

/**
 * TemporalDuplicate (video-caffe): the bottom `num` times, along a new first axis: x [...], top [num, ...]. Its gradient is the sum of
 * the copies'.
 * Source: BoLiu-SVCL/video-caffe, temporal_duplicate_layer.cpp.
 */
export const TemporalDuplicate = computeLayer({
  type: "TemporalDuplicate",
  param: "duplicate_param",
  bottoms: 1,
  tops: 1,
  lower(site) {
    const x = site.bottoms[0]!;
    const { shape } = x.type;
    const { num } = site.param;
    if (num < 1) throw site.error(`num ${num} must be greater than 0`, "num");
    return { tops: [tile(reshape(x, [1, ...shape]), [num, ...shape.map(() => 1)])] };
  },
});
