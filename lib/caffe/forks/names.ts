import { amend, has } from "../message.js";
import type {
  BatchNormParameter,
  BNParameter,
  ConvolutionParameter,
  LayerParameter,
  NetParameter,
} from "../messages.js";
import { isFused, unfused } from "../upgrade-fork-fused.js";
import { withCaffeType } from "../upgrade-fork-types.js";
import { withDepths, withLengths, withWindowLists } from "../upgrade-fork-windows.js";

/** Tests whether layers have fields that forks gave another name than the one they have here. */
export const hasForkNames = (net: NetParameter): boolean =>
  net.layer.some((layer) => renamed(layer) !== layer || isFused(layer));

/** A net whose layers have one name for one thing: DeepLab's holes are dilations, Intel's use_weight_bias is NVIDIA's scale_bias. */
export const renameForkFields = (net: NetParameter): NetParameter =>
  amend(net, { layer: net.layer.flatMap(unfused).map(renamed) });

function renamed(layer: LayerParameter): LayerParameter {
  const own = withDepths(withLengths(withWindowLists(withOwnParams(withCaffeType(layer)))));
  const { convolution_param, batch_norm_param, bn_param } = own;
  const dilated = convolution_param && withDilation(convolution_param);
  const scaled = batch_norm_param && withScaleBias(batch_norm_param);
  const averaged = bn_param && withStatistics(bn_param);
  if (dilated === convolution_param && scaled === batch_norm_param && averaged === bn_param) return own;
  return amend(own, { convolution_param: dilated, batch_norm_param: scaled, bn_param: averaged });
}

/** C3D v1.1's and P3D's parameters of 3-D layers where other versions have them. */
function withOwnParams(layer: LayerParameter): LayerParameter {
  const { convolution3d_param: convolution, pooling3d_param: pooling } = layer;
  if (!convolution && !pooling) return layer;
  return amend(layer, {
    convolution3d_param: null,
    pooling3d_param: null,
    ...(convolution && { convolution_param: convolution }),
    ...(pooling && { pooling_param: pooling }),
  });
}

const HOLES = ["hole", "hole_h", "hole_w", "dilation_h", "dilation_w"] as const;

function withDilation(param: ConvolutionParameter): ConvolutionParameter {
  if (!HOLES.some((field) => has(param, field))) return param;
  const whole = has(param, "dilation") ? param.dilation : param.hole;
  const side = (hole: "hole_h" | "hole_w", dilation: "dilation_h" | "dilation_w", at: number) => {
    if (has(param, dilation)) return param[dilation];
    return has(param, hole) ? param[hole] : (whole[at] ?? whole[0] ?? 1);
  };
  const [h, w] = [side("hole_h", "dilation_h", 0), side("hole_w", "dilation_w", 1)];
  const gone = Object.fromEntries(HOLES.map((field) => [field, null]));
  return amend<ConvolutionParameter>(param, { ...gone, dilation: h === w ? [h] : [h, w] });
}

function withScaleBias(param: BatchNormParameter): BatchNormParameter {
  if (!has(param, "use_weight_bias") && !has(param, "filler")) return param;
  const scale_bias = param.use_weight_bias || has(param, "scale_bias") || has(param, "filler");
  const isUsed = !has(param, "use_weight_bias") || param.use_weight_bias;
  return amend<BatchNormParameter>(param, {
    use_weight_bias: null,
    filler: null,
    scale_bias: isUsed && scale_bias,
    ...(isUsed && has(param, "filler") && { scale_filler: param.filler }),
    ...(!isUsed && { scale_filler: null, bias_filler: null }),
  });
}

const STATISTICS = ["var_eps", "decay", "moving_average"] as const;

/**
 * A BN of caffe-action, whose scale, shift and running statistics are PSPNet's by other names; `decay` is the share of the newest batch.
 * One that takes statistics of the batch in tests stays as it is, and is refused there.
 * Source: Lyp100208/Caffe_action, bn_layer.cpp; defaults as in happynear/caffe-windows.
 */
function withStatistics(param: BNParameter): BNParameter {
  if (!STATISTICS.some((field) => has(param, field)) || !param.moving_average) return param;
  return amend<BNParameter>(param, {
    ...Object.fromEntries([...STATISTICS, "scale_filler", "shift_filler"].map((field) => [field, null])),
    eps: param.var_eps,
    momentum: 1 - param.decay,
    ...(has(param, "scale_filler") && { slope_filler: param.scale_filler }),
    ...(has(param, "shift_filler") && { bias_filler: param.shift_filler }),
  });
}
