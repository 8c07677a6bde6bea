import { SPPParameter_PoolMethod as Method, type SPPParameter } from "../caffe/messages.js";
import { count } from "../graph/index.js";
import { concat, reshape } from "../ops/index.js";
import { bottomText, computeLayer, type Site } from "./layer.js";
import { type Pool, pool } from "./pool.js";
import { poolWindows } from "./pooling.js";

/**
 * SPP, spatial pyramid pooling: level i of `pyramid_height` pools x [n, c, h, w] to 2^i by 2^i, and the levels, flattened, are
 * joined to [n, features]. One level alone stays [n, c, 1, 1].
 * Kernel and stride of a level are ceil(size / 2^i), the pads (kernel * 2^i - size + 1) / 2 rounded down; an input that is too
 * small for a level has pads as big as the kernel, which pooling refuses. STOCHASTIC draws in both phases, as in Caffe.
 */
export const SPP = computeLayer({
  type: "SPP",
  param: "spp_param",
  bottoms: 1,
  tops: 1,
  family: "pooling",
  lower(site) {
    const { shape } = site.bottoms[0]!.type;
    const levels = site.param.pyramid_height;
    if (shape.length !== 4) throw site.bottomError(0, `${bottomText(site, 0)} does not have 4 axes`);
    if (levels <= 0) throw site.error("pyramid_height must be greater than 0", "pyramid_height");
    const pooled = Array.from({ length: levels }, (_, level) => poolLevel(site, level));
    if (levels === 1) return { tops: pooled };
    const flat = pooled.map((y) => reshape(y, [shape[0]!, count(y.type.shape, 1)]));
    return { tops: [concat(flat, 1)] };
  },
});

function poolLevel(site: Site<SPPParameter>, level: number) {
  const size = site.bottoms[0]!.type.shape.slice(2) as [number, number];
  if (size.some((dim) => dim <= 0)) throw site.bottomError(0, `${bottomText(site, 0)} has nothing to pool`);
  const bins = 2 ** level;
  const kernels = size.map((dim) => Math.ceil(dim / bins)) as [number, number];
  const pads = size.map((dim, i) => Math.floor((kernels[i]! * bins - dim + 1) / 2)) as [number, number];
  const axes = poolWindows(site, { size, kernels, strides: kernels, pads, round: Math.ceil });
  return pool(site, poolOf(site), axes)[0]!;
}

function poolOf(site: Site<SPPParameter>): Pool {
  switch (site.param.pool) {
    case Method.MAX:
      return { method: "MAX", mask: false };
    case Method.AVE:
      return { method: "AVE" };
    case Method.STOCHASTIC:
      return { method: "STOCHASTIC", phase: "TRAIN" };
    default:
      throw site.error(`unknown pooling method ${site.param.pool}`, "pool");
  }
}
