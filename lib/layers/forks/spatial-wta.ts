import { has } from "../../caffe/message.js";
import type { SpatialWtaParameter } from "../../caffe/messages.js";
import { constant, constantOf, type Value } from "../../graph/index.js";
import { scatter } from "../../ops/detection.js";
import { abs, expand, maxPool, mod, mul, reshape, stopGradient, zeros } from "../../ops/index.js";
import { bottomText, computeLayer, type Place } from "../layer.js";

type Pair = readonly [height: number, width: number];

/**
 * SpatialWta (winner takes all): y = x where a window of the plane has its entry of the largest magnitude, the first of equals in row
 * order, and 0 elsewhere. x and y [n, c, h, w]; `global_wta` has one window, the plane; windows that would end beyond it do not exist.
 * A second top is 1 where y is x, and 0 elsewhere. Source: t2mhanh/caffe_convLSTM_WTA, spatial_wta_layer.cpp.
 */
export const SpatialWta = computeLayer({
  type: "SpatialWta",
  param: "spatial_wta_param",
  bottoms: 1,
  tops: [1, 2],
  lower(site) {
    const x = site.bottoms[0]!;
    const { shape } = x.type;
    if (shape.length !== 4) throw site.bottomError(0, `${bottomText(site, 0)} does not have 4 axes`);
    const [n, c, h, w] = shape as [number, number, number, number];
    const { kernel, strides } = windowOf(site, [h, w]);
    const none = [0, 0] as const;
    const { indices } = maxPool(stopGradient(abs(x)), { kernel, strides, pads: [none, none] });
    const plane = constantOf("int64", BigInt64Array.of(BigInt(h * w)), []);
    const [, , rows, columns] = indices.type.shape as [number, number, number, number];
    const winners = reshape(mod(indices, plane), [n, c, rows * columns]);
    const ones: Value = expand(constant(1), [n, c, rows * columns]);
    const mask = reshape(scatter(zeros([n, c, h * w]), winners, ones, 2), shape);
    return { tops: site.topCount > 1 ? [mul(x, mask), mask] : [mul(x, mask)] };
  },
});

function windowOf({ param, error, bottoms }: Place<SpatialWtaParameter>, size: Pair) {
  const sides = has(param, "kernel_h") || has(param, "kernel_w");
  const pairs = has(param, "stride_h") || has(param, "stride_w");
  if (pairs && (has(param, "stride") || !has(param, "stride_h") || !has(param, "stride_w")))
    throw error("give stride, or both stride_h and stride_w", "stride");
  const strides: Pair = pairs ? [param.stride_h, param.stride_w] : [param.stride, param.stride];
  if (strides.some((stride) => stride <= 0)) throw error("strides must be greater than 0", "stride");
  if (param.global_wta) {
    if (sides || has(param, "kernel_size") || strides.some((stride) => stride !== 1))
      throw error("global_wta has no kernel_size, and a stride of 1", "global_wta");
    return { kernel: size, strides };
  }
  if (has(param, "kernel_size") === (has(param, "kernel_h") && has(param, "kernel_w")))
    throw error("give kernel_size, or both kernel_h and kernel_w", "kernel_size");
  const kernel: Pair = sides ? [param.kernel_h, param.kernel_w] : [param.kernel_size, param.kernel_size];
  if (kernel.some((side, i) => side <= 0 || side > size[i]!))
    throw error(
      `the window [${kernel}] does not lie in a plane of [${bottoms[0]!.type.shape.slice(2)}]`,
      "kernel_size",
    );
  return { kernel, strides };
}
