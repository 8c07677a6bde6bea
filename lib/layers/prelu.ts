import { create, has, sub } from "../caffe/message.js";
import { prelu, reshape } from "../ops/index.js";
import { computeLayer } from "./layer.js";

const QUARTER = create("FillerParameter", { type: "constant", value: 0.25 });

/**
 * PReLU: y = max(x, 0) + a * min(x, 0) with a trainable slope a for each channel, or (channel_shared) one for all.
 * x [n, c, ...], of more than 4 axes too (V-Net, where Caffe has 4 at most), a [c] or []; a starts as 0.25 without a filler. The gradient at 0 is a, as in Caffe.
 */
export const PReLU = computeLayer({
  type: "PReLU",
  param: "prelu_param",
  bottoms: 1,
  tops: 1,
  caffeMemory: () => ({ keeps: "signs" }),
  sees: "place",
  blobs(place) {
    const { param } = place;
    const { shape } = place.bottoms[0]!.type;
    if (shape.length < 2) throw place.bottomError(0, `PReLU takes a blob of at least 2 axes, not [${shape}]`);
    const filler = has(param, "filler") ? sub(param, "filler") : QUARTER;
    return [{ shape: param.channel_shared ? [] : [shape[1]!], filler }];
  },
  lower({ bottoms, blobs, param }) {
    const x = bottoms[0]!;
    const channels = param.channel_shared ? 1 : x.type.shape[1]!;
    const slope = reshape(blobs[0]!, [channels, ...x.type.shape.slice(2).map(() => 1)]);
    return { tops: [prelu(x, slope)] };
  },
});
