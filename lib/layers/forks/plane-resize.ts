import { has } from "../../caffe/message.js";
import type { PlaneResizeParameter } from "../../caffe/messages.js";
import { constant, type Value } from "../../graph/index.js";
import { matMul } from "../../ops/index.js";
import { bottomText, computeLayer, type Place } from "../layer.js";

/**
 * Resize (caffe-windows, and forks with Liang's and Huang's layer): bilinear interpolation of the last two axes of x [n, c, h, w] at
 * row i h / height and column j w / width, of `height` and `width`, or with `is_pyramid_test` of out_height_scale and
 * out_width_scale times x's, rounded down. An entry beyond the last row or column counts 0.
 * Source: happynear/caffe-windows, resize_layer.cpp and util_img.cpp.
 */
export const Resize = computeLayer({
  type: "Resize",
  param: "resize_param",
  bottoms: 1,
  tops: 1,
  lower(site) {
    const x = site.bottoms[0]!;
    const { shape } = x.type;
    if (shape.length !== 4) throw site.bottomError(0, `${bottomText(site, 0)} does not have 4 axes`);
    const [h, w] = shape.slice(2) as [number, number];
    const [height, width] = sizeOf(site, h, w);
    return { tops: [matMul(matMul(shares(height, h, false), x), shares(width, w, true))] };
  },
});

function sizeOf({ param, error }: Place<PlaneResizeParameter>, h: number, w: number): readonly [number, number] {
  const [height, width] = param.is_pyramid_test
    ? [Math.floor(param.out_height_scale * h), Math.floor(param.out_width_scale * w)]
    : [param.height, param.width];
  if (height > 0 && width > 0) return [height, width];
  const fields = param.is_pyramid_test ? "out_height_scale and out_width_scale" : "height and width";
  throw error(
    `${fields} must be given, and a size of [${height},${width}] is not positive`,
    has(param, "height") ? "height" : undefined,
  );
}

/** The share of each of `from` entries in each of `to`: [to, from], or [from, to] where `across`. */
function shares(to: number, from: number, across: boolean): Value {
  const values = new Float32Array(to * from);
  const scale = Math.fround(from / to);
  for (let i = 0; i < to; i++) {
    const place = Math.fround(i * scale);
    const first = Math.floor(place);
    for (const k of [first, first + 1])
      if (k < from) values[across ? k * to + i : i * from + k] = 1 - Math.abs(place - k);
  }
  return constant(values, across ? [from, to] : [to, from]);
}
