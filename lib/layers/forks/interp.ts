import { has } from "../../caffe/message.js";
import type { InterpParameter } from "../../caffe/messages.js";
import { resize } from "../../ops/detection.js";
import { pad } from "../../ops/index.js";
import { computeLayer, type Place } from "../layer.js";

/**
 * Interp (DeepLab, PSPNet): bilinear interpolation of the last two axes with the corners in place. Size: that of
 * the second bottom, or (size - 1) / shrink_factor + 1, then size + (size - 1) * (zoom_factor - 1), or `height` and `width`. pad_beg and pad_end crop by
 * negative numbers.
 */
export const Interp = computeLayer({
  type: "Interp",
  param: "interp_param",
  bottoms: [1, 2],
  tops: 1,
  lower(site) {
    const { pad_beg, pad_end } = site.param;
    const { shape } = site.bottoms[0]!.type;
    if (shape.length !== 4) throw site.bottomError(0, `Interp takes a blob of 4 axes, not [${shape}]`);
    if (pad_beg > 0 || pad_end > 0) throw site.error("only cropping is supported: pads of 0 and less", "pad_beg");
    const around = [pad_beg, pad_end] as const;
    const x = pad(site.bottoms[0]!, [[0, 0], [0, 0], around, around]);
    const size = x.type.shape.slice(2).map((dim, i) => target(site, dim, i));
    if (size.some((dim) => dim < 1)) throw site.error(`a size of [${size}] is not positive`, "interp_param");
    return { tops: [resize(x, { mode: "linear", size: size as [number, number] })] };
  },
});

/** Caffe's order: one factor alone goes before height and width, these before both factors. */
function target({ bottoms, param, error }: Place<InterpParameter>, dim: number, i: number): number {
  if (bottoms[1]) return bottoms[1].type.shape[2 + i]!;
  const [shrinks, zooms] = [has(param, "shrink_factor"), has(param, "zoom_factor")];
  if (shrinks === zooms && has(param, "height") && has(param, "width")) return i === 0 ? param.height : param.width;
  if (!shrinks && !zooms) throw error("give height and width, shrink_factor or zoom_factor", "interp_param");
  const { shrink_factor: shrink, zoom_factor: zoom } = param;
  if (shrink < 1 || zoom < 1) throw error("shrink_factor and zoom_factor must be positive", "interp_param");
  const shrunk = Math.floor((dim - 1) / shrink) + 1;
  return shrunk + (shrunk - 1) * (zoom - 1);
}
