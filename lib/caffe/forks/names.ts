import { amend, has } from "../message.js";
import type { BatchNormParameter, ConvolutionParameter, LayerParameter, NetParameter } from "../messages.js";
import { withCaffeType } from "../upgrade-fork-types.js";

/** Tests whether layers have fields that forks gave another name than the one they have here. */
export const hasForkNames = (net: NetParameter): boolean => net.layer.some((layer) => renamed(layer) !== layer);

/** A net whose layers have one name for one thing: DeepLab's holes are dilations, Intel's use_weight_bias is NVIDIA's scale_bias. */
export const renameForkFields = (net: NetParameter): NetParameter => amend(net, { layer: net.layer.map(renamed) });

function renamed(layer: LayerParameter): LayerParameter {
  const { convolution_param, batch_norm_param } = layer;
  const dilated = convolution_param && withDilation(convolution_param);
  const scaled = batch_norm_param && withScaleBias(batch_norm_param);
  const typed = withCaffeType(layer);
  if (dilated === convolution_param && scaled === batch_norm_param) return typed;
  return amend(typed, { convolution_param: dilated, batch_norm_param: scaled });
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
