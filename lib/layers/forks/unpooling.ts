import { has } from "../../caffe/message.js";
import { UnpoolingParameter_UnpoolMethod as Method, type UnpoolingParameter } from "../../caffe/messages.js";
import { constant, constantOf, type Value } from "../../graph/index.js";
import { scatter } from "../../ops/detection.js";
import { cast, convTranspose, expand, mul, pad, reshape, slice, stopGradient, zeros } from "../../ops/index.js";
import { bottomText, computeLayer, heightAndWidth, type Place } from "../layer.js";
import { planeOfMask } from "../pool.js";

/**
 * Unpooling (DeconvNet). MAX: each entry of x [n, c, h, w] goes to where the mask of a MAX pooling, the second bottom, says, or to
 * the first place of its window; the rest is 0. AVE: entries divided by the size of their windows are added over these; TILE: added
 * as they are. y [n, c, unpool_h, unpool_w]; without those as large as what the mask's pooling pooled, as places in anything else mean
 * nothing, or as the windows need. The fork's gradient of TILE divides by the windows' size too, which its forward does not; here it is
 * that of the forward.
 */
export const Unpooling = computeLayer({
  type: "Unpooling",
  param: "unpooling_param",
  bottoms: [1, 2],
  tops: 1,
  noGradientTo: [1],
  lower(site) {
    const [x, mask] = site.bottoms as [Value, Value | undefined];
    const { shape } = x.type;
    if (shape.length !== 4) throw site.bottomError(0, `${bottomText(site, 0)} does not have 4 axes`);
    const [n, c, h, w] = shape as [number, number, number, number];
    const window = windowOf(site, h, w, mask && planeOfMask(mask));
    if (site.param.unpool !== Method.MAX) return { tops: [spread(site.param, x, window)] };
    const flat = [n, c, h * w];
    const [height, width] = window.size;
    const places = mask
      ? cast(reshape(stopGradient(checked(site, mask)), flat), "int64")
      : firstOfWindows(window, flat, h, w);
    const y = scatter(zeros([n, c, height * width]), places, reshape(x, flat), 2);
    return { tops: [reshape(y, [n, c, height, width])] };
  },
});

interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly size: readonly [number, number];
}

function windowOf(
  { param, error }: Place<UnpoolingParameter>,
  h: number,
  w: number,
  pooled: readonly [number, number] | undefined,
): Window {
  const pair = (
    whole: "kernel_size" | "stride" | "unpool_size",
    ofH: keyof UnpoolingParameter,
    ofW: keyof UnpoolingParameter,
  ) => heightAndWidth({ param, error }, ofH, ofW) ?? ([param[whole], param[whole]] as const);
  const kernel = pair("kernel_size", "kernel_h", "kernel_w");
  const stride = pair("stride", "stride_h", "stride_w");
  if (kernel.some((k) => k <= 0)) throw error("kernel_size is missing", undefined, ["write kernel_size: N"]);
  if (stride.some((s) => s <= 0)) throw error("strides must be greater than 0", "stride");
  const given = has(param, "unpool_size") || has(param, "unpool_h") || has(param, "unpool_w");
  const needed = (dim: number, i: 0 | 1) => Math.max((dim - 1) * stride[i] + kernel[i], dim * stride[i] + 1);
  const size = given
    ? pair("unpool_size", "unpool_h", "unpool_w")
    : (pooled ?? ([needed(h, 0), needed(w, 1)] as const));
  return { kernel, stride, size };
}

function checked(site: Place<unknown>, mask: Value): Value {
  if (mask.type.shape.join() === site.bottoms[0]!.type.shape.join()) return mask;
  throw site.bottomError(1, `${bottomText(site, 1)}, the mask, is not of the shape of ${bottomText(site, 0)}`);
}

/** Start of each entry's window, in the plane of the result. */
function firstOfWindows({ stride, size }: Window, flat: readonly number[], h: number, w: number): Value {
  const at = (i: number, k: 0 | 1) => Math.min(i * stride[k], size[k] - 1);
  const places = BigInt64Array.from({ length: h * w }, (_, i) =>
    BigInt(at(Math.floor(i / w), 0) * size[1] + at(i % w, 1)),
  );
  return expand(constantOf("int64", places, [1, 1, h * w]), flat);
}

/** Entries added over their windows, as far as these lie in the result. */
function spread(param: UnpoolingParameter, x: Value, { kernel, stride, size }: Window): Value {
  const [n, c, h, w] = x.type.shape as [number, number, number, number];
  const share = 1 / (kernel[0] * kernel[1]);
  const weights = constant(new Float32Array(kernel[0] * kernel[1]).fill(1), [1, 1, ...kernel]);
  const scaled = param.unpool === Method.AVE ? mul(x, shares([h, w], { kernel, stride, size }, share)) : x;
  const planes = reshape(scaled, [n * c, 1, h, w]);
  const all = convTranspose(planes, weights, { strides: stride, pads: [0, 0], dilations: [1, 1], group: 1 });
  const [, , height, width] = all.type.shape as [number, number, number, number];
  const room = ([height, width] as const).map((have, i) => Math.max(0, size[i as 0 | 1] - have));
  const whole = pad(all, [
    [0, 0],
    [0, 0],
    [0, room[0]!],
    [0, room[1]!],
  ]);
  return reshape(slice(slice(whole, 2, 0, size[0]), 3, 0, size[1]), [n, c, ...size]);
}

/** One over the size of each entry's window in the result, [h, w]. */
function shares(dims: readonly [number, number], { kernel, stride, size }: Window, whole: number): Value {
  const length = (i: number, k: 0 | 1) => Math.max(1, Math.min(i * stride[k] + kernel[k], size[k]) - i * stride[k]);
  const values = Float32Array.from({ length: dims[0] * dims[1] }, (_, i) => {
    const own = length(Math.floor(i / dims[1]), 0) * length(i % dims[1], 1);
    return own === kernel[0] * kernel[1] ? whole : 1 / own;
  });
  return constant(values, [...dims]);
}
