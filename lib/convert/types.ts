import { has } from "../caffe/message.js";
import {
  type LRNParameter,
  LRNParameter_NormRegion as LrnRegion,
  type PoolingParameter,
  PoolingParameter_PoolMethod as PoolMethod,
  PoolingParameter_RoundMode as RoundMode,
} from "../caffe/messages.js";
import { apply, constant, count, type Value } from "../graph/index.js";
import {
  type ComputeLayer,
  type LayerType,
  layerTypes,
  type ParamField,
  type ParamOf,
  registeredTypes,
  type Site,
} from "../layers/index.js";
import { divideByPower } from "../layers/lrn.js";
import { windows } from "../layers/pooling.js";
import { placesOf } from "../ops/detection.js";
import { div, equal, gather, mul, pad as padded, reshape, where } from "../ops/index.js";
import {
  batchNormalization,
  ChannelMix,
  GlobalAveragePool,
  GlobalMaxPool,
  LRN,
  OpenAveragePool,
  OpenMaxPool,
} from "../ops/inference.js";

/**
 * Layer types that ONNX has an op of its own for, which inference is shorter and faster with. Training needs the lowerings of
 * lib/layers, from ops with gradients; a converted file is verified against those.
 */
const globalPooling = replaced(layerTypes.Pooling, "pooling_param", ({ bottoms, param, topCount }) => {
  if (!param.global_pooling || topCount > 1) return undefined;
  if (param.pool === PoolMethod.AVE) return apply(GlobalAveragePool, null, bottoms[0]!);
  return param.pool === PoolMethod.MAX ? apply(GlobalMaxPool, null, bottoms[0]!) : undefined;
});

const replacements: readonly ComputeLayer[] = [
  globalPooling,
  replaced(layerTypes.LRN, "lrn_param", ({ bottoms, param }) => {
    if (param.norm_region !== LrnRegion.ACROSS_CHANNELS) return undefined;
    const x = bottoms[0]!;
    const channels = x.type.shape[1]!;
    if (channels >= WIDE_LRN.from && channels <= WIDE_LRN.to && param.alpha >= 0) return wideLrn(x, param);
    const { local_size: size, alpha, beta, k: bias } = param;
    return apply(LRN, { size, alpha, beta, bias }, x);
  }),
  replaced(layerTypes.Filter, null, (site) => {
    // Checks the bottoms, and tells how many items there are in the graph at hand.
    const { tops } = layerTypes.Filter.lower(site as Site<never>);
    const selector = site.bottoms.at(-1)!;
    const places = placesOf(reshape(selector, [selector.type.shape[0]!]), tops[0]!.type.shape[0]!);
    return site.bottoms.slice(0, -1).map((x) => gather(x, places, 0));
  }),
  replaced(layerTypes.BN, "bn_param", ({ bottoms, blobs, param }) => {
    // SegNet's has two blobs, and no statistics.
    if (blobs.length !== 4) return undefined;
    const vectors = blobs.map((blob) => reshape(blob, [count(blob.type.shape)]));
    return batchNormalization(bottoms[0]!, vectors, param.eps);
  }),
  replaced(layerTypes.BatchNorm, "batch_norm_param", ({ bottoms, blobs, param }) => {
    if (has(param, "use_global_stats") && !param.use_global_stats) return undefined;
    const [meanSum, varianceSum, weight] = blobs as [Value, Value, Value];
    const isEmpty = equal(weight, constant(0));
    const factor = where(isEmpty, constant(0), div(constant(1), where(isEmpty, constant(1), weight)));
    const channels = bottoms[0]!.type.shape[1]!;
    const [ones, zeros] = [1, 0].map((fill) => constant(new Float32Array(channels).fill(fill), [channels]));
    const statistics = [ones!, zeros!, mul(meanSum, factor), mul(varianceSum, factor)];
    return batchNormalization(bottoms[0]!, statistics, param.eps);
  }),
];

/**
 * Channels from which on, and up to which, LRN is written as a convolution and roots. ONNX's own op takes a power of each entry on
 * one core: nearly half of the time of GoogLeNet. Where there are fewer channels that is little, and with more the matrix is large.
 */
const WIDE_LRN = { from: 64, to: 1024 } as const;

/** x / (k + sum of (x * sqrt(alpha / size))^2 over `size` channels around)^beta: in half precision squares of x itself overflow. */
function wideLrn(x: Value, { local_size: size, alpha, beta, k }: LRNParameter): Value {
  const channels = x.type.shape[1]!;
  const band = new Float32Array(channels * channels);
  for (let row = 0; row < channels; row++) {
    const first = Math.max(0, row - (size - 1) / 2);
    band.fill(1, row * channels + first, row * channels + Math.min(channels, row + (size + 1) / 2));
  }
  const scaled = mul(x, constant(Math.sqrt(alpha / size)));
  const bias = constant(new Float32Array(channels).fill(k), [channels]);
  const base = apply(ChannelMix, null, mul(scaled, scaled), constant(band, [channels, channels, 1, 1]), bias);
  return divideByPower(x, base, beta);
}

/**
 * Pooling whose attributes do not depend on the size of its input. Undefined where they must: Caffe may drop a last window that
 * begins in the padding after the input, and without padding it keeps one that begins behind the input.
 */
function openPooling(site: Site<PoolingParameter>): Value | undefined {
  const { param, topCount } = site;
  const x = site.bottoms[0]!;
  if (param.global_pooling || topCount > 1 || param.pool === PoolMethod.STOCHASTIC || x.type.shape.length !== 4)
    return undefined;
  const axes = windows(site);
  if (axes.some(({ kernel, stride, pad }) => pad + stride > kernel)) return undefined;
  const attrs = {
    kernel: axes.map(({ kernel }) => kernel),
    strides: axes.map(({ stride }) => stride),
    ceil: param.round_mode === RoundMode.CEIL,
  };
  const pads = axes.map(({ pad }) => pad);
  if (param.pool === PoolMethod.MAX) return apply(OpenMaxPool, { ...attrs, pads }, x);
  // Caffe divides by what a window has of the padded input: the padding counts, what is beyond does not.
  const around = [[0, 0] as const, [0, 0] as const, ...pads.map((p) => [p, p] as const)];
  return apply(OpenAveragePool, { ...attrs, pads: [0, 0] }, padded(x, around));
}

/** The layer types to convert with: plugins' and those above. `openSpatial`: for files that leave height and width open. */
export function inferenceTypes(openSpatial: boolean): ReadonlyMap<string, LayerType> {
  const open = replaced(globalPooling, "pooling_param", openPooling);
  const types = openSpatial ? [...replacements, open] : replacements;
  return new Map<string, LayerType>([...registeredTypes(), ...types.map((type) => [type.type, type] as const)]);
}

/** A layer type with another lowering to its only top or to all; where that gives undefined, its own. */
function replaced<F extends ParamField | null>(
  type: ComputeLayer,
  _field: F,
  lower: (site: Site<ParamOf<F>>) => Value | readonly Value[] | undefined,
): ComputeLayer {
  return {
    ...type,
    lower: (site) => {
      const tops = lower(site as Site<never>);
      return tops ? { tops: [tops].flat() } : type.lower(site as Site<never>);
    },
  };
}
