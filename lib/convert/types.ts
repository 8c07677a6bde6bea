import { LRNParameter_NormRegion as LrnRegion, PoolingParameter_PoolMethod as PoolMethod } from "../caffe/messages.js";
import { has } from "../caffe/message.js";
import { apply, constant, type Value } from "../graph/index.js";
import {
  type ComputeLayer,
  type LayerType,
  layerTypes,
  type ParamField,
  type ParamOf,
  registeredTypes,
  type Site,
} from "../layers/index.js";
import { div, equal, mul, where } from "../ops/index.js";
import { batchNormalization, GlobalAveragePool, GlobalMaxPool, LRN } from "../ops/inference.js";

/**
 * Layer types that ONNX has an op of its own for, which inference is shorter and faster with. Training needs the lowerings of
 * lib/layers, from ops with gradients; a converted file is verified against those.
 */
const replacements: readonly ComputeLayer[] = [
  replaced(layerTypes.Pooling, "pooling_param", ({ bottoms, param, topCount }) => {
    if (!param.global_pooling || topCount > 1) return undefined;
    if (param.pool === PoolMethod.AVE) return apply(GlobalAveragePool, null, bottoms[0]!);
    return param.pool === PoolMethod.MAX ? apply(GlobalMaxPool, null, bottoms[0]!) : undefined;
  }),
  replaced(layerTypes.LRN, "lrn_param", ({ bottoms, param }) => {
    if (param.norm_region !== LrnRegion.ACROSS_CHANNELS) return undefined;
    const { local_size: size, alpha, beta, k: bias } = param;
    return apply(LRN, { size, alpha, beta, bias }, bottoms[0]!);
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

/** The layer types to convert with: plugins' and those above. */
export const inferenceTypes = (): ReadonlyMap<string, LayerType> =>
  new Map<string, LayerType>([...registeredTypes(), ...replacements.map((type) => [type.type, type] as const)]);

/** A layer type with another lowering; where that gives undefined, its own. */
function replaced<F extends ParamField | null>(
  type: ComputeLayer,
  _field: F,
  lower: (site: Site<ParamOf<F>>) => Value | undefined,
): ComputeLayer {
  return {
    ...type,
    lower: (site) => {
      const top = lower(site as Site<never>);
      return top ? { tops: [top] } : type.lower(site as Site<never>);
    },
  };
}
