import { has } from "../../caffe/message.js";
import type { UpsampleParameter } from "../../caffe/messages.js";
import { resize, scatter } from "../../ops/detection.js";
import { cast, reshape, zeros } from "../../ops/index.js";
import { computeLayer, heightAndWidth, type Place } from "../layer.js";

/**
 * Upsample, in both meanings. With two bottoms (SegNet, ENet) unpooling: x [n,c,h,w] goes to where the mask of a MAX pooling says,
 * offsets in the plane of the result, the rest is 0. With one bottom (YOLO) each entry is repeated `scale` (or `stride`) times in
 * both directions.
 */
export const Upsample = computeLayer({
  type: "Upsample",
  param: "upsample_param",
  bottoms: [1, 2],
  tops: 1,
  lower(site) {
    const [x, mask] = site.bottoms;
    const { shape } = x!.type;
    if (shape.length !== 4) throw site.bottomError(0, `Upsample takes a blob of 4 axes, not [${shape}]`);
    const [n, c, h, w] = shape as [number, number, number, number];
    const size = sizeOf(site, h, w);
    if (!mask) return { tops: [resize(x!, { mode: "nearest", size })] };
    if (mask.type.shape.join() !== shape.join()) {
      throw site.bottomError(1, `the mask [${mask.type.shape}] is not of the shape [${shape}] of the first bottom`);
    }
    const plane = size[0] * size[1];
    const flat = [n, c, h * w];
    const y = scatter(zeros([n, c, plane]), cast(reshape(mask, flat), "int64"), reshape(x!, flat), 2);
    return { tops: [reshape(y, [n, c, ...size])] };
  },
});

function sizeOf(place: Place<UpsampleParameter>, h: number, w: number): readonly [number, number] {
  const { param } = place;
  const own = heightAndWidth(place, "upsample_h", "upsample_w");
  if (own) return own;
  const both = has(param, "stride") ? param.stride : param.scale;
  const factor = (scale: "scale_h" | "scale_w", stride: "stride_h" | "stride_w") =>
    has(param, scale) ? param[scale] : has(param, stride) ? param[stride] : both;
  // Pooling of an odd size rounds up, so that unpooling gives one too many.
  return [
    h * factor("scale_h", "stride_h") - Number(param.pad_out_h),
    w * factor("scale_w", "stride_w") - Number(param.pad_out_w),
  ];
}
