import { has, sub } from "../../../caffe/message.js";
import type { LayerParameter } from "../../../caffe/messages.js";
import type { WindowsSpec } from "../feed-spec.js";
import { common, type FeedOptions, fault, required, rootFolder, transformSpec } from "./common.js";

/** WindowData: windows of images, foreground and background in a fixed proportion, warped to crop_size (R-CNN). */
export function windowDataLayer(layer: LayerParameter, options: FeedOptions): WindowsSpec {
  const param = sub(layer, "window_data_param");
  const shared = transformSpec(layer, options);
  // Caffe's WindowData reads its scale in its own parameters, where old nets may still have it.
  const transform = has(param, "scale") ? { ...shared, scale: param.scale } : shared;
  if (layer.top.length !== 2) throw fault(layer, `a WindowData layer has two tops, not ${layer.top.length}`);
  if (!(transform.cropSize > 0)) throw fault(layer, "WindowData needs a crop_size");
  if (2 * param.context_pad >= transform.cropSize) throw fault(layer, "context_pad leaves nothing of crop_size");
  if (param.crop_mode !== "warp" && param.crop_mode !== "square")
    throw fault(layer, `crop_mode is "${param.crop_mode}"; it is "warp" or "square"`);
  return {
    ...common(layer, options, param.batch_size),
    kind: "windows",
    list: options.paths(required(layer, "window_data_param", param.source)),
    root: rootFolder(param.root_folder, options),
    foregroundAbove: param.fg_threshold,
    backgroundBelow: param.bg_threshold,
    foregroundShare: param.fg_fraction,
    contextPad: param.context_pad,
    square: param.crop_mode === "square",
    cacheImages: param.cache_images,
    transform,
  };
}
