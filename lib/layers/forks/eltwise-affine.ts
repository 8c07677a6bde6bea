import { create } from "../../caffe/message.js";
import type { FillerParameter } from "../../caffe/messages.js";
import { add, mul, reshape } from "../../ops/index.js";
import { bottomText, computeLayer } from "../layer.js";

const constantOf = (value: number): FillerParameter => create("FillerParameter", { type: "constant", value });

/**
 * EltwiseAffine (caffe-windows): y = a x + b with a slope and a bias, trainable, of each channel, or with `channel_shared` of all; filled
 * with 1.0001 and 0.0001 where no filler is given. x [n, c, ...], a and b [c] or [].
 * Source: happynear/caffe-windows, eltwise_affine_layer.cpp.
 */
export const EltwiseAffine = computeLayer({
  type: "EltwiseAffine",
  param: "eltwise_affine_param",
  bottoms: 1,
  tops: 1,
  sees: "place",
  blobs(place) {
    const { slope_filler, bias_filler, channel_shared } = place.param;
    const { shape } = place.bottoms[0]!.type;
    if (shape.length < 2) throw place.bottomError(0, `${bottomText(place, 0)} has no channels`);
    const own = channel_shared ? [] : [shape[1]!];
    return [
      { shape: own, filler: slope_filler ?? constantOf(1.0001), unitAxis: null },
      { shape: own, filler: bias_filler ?? constantOf(0.0001), unitAxis: null },
    ];
  },
  lower(site) {
    const x = site.bottoms[0]!;
    const across = x.type.shape.slice(1).map((dim, i) => (i === 0 && !site.param.channel_shared ? dim : 1));
    const [a, b] = site.blobs.map((blob) => reshape(blob, across)) as [typeof x, typeof x];
    return { tops: [add(mul(x, a), b)] };
  },
});
