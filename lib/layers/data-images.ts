import { sub } from "../caffe/message.js";
import type { LayerParameter } from "../caffe/messages.js";
import type { ImageShape } from "./facts.js";

/**
 * The images of a data layer as its `transform_param` makes them: `crop_size` square, of as many channels as it has means where it has
 * several, else in colour unless `force_gray`.
 */
export function croppedImages(layer: LayerParameter): ImageShape | undefined {
  const { crop_size, force_gray, mean_value } = sub(layer, "transform_param");
  const channels = mean_value.length > 1 ? mean_value.length : force_gray ? 1 : 3;
  return crop_size > 0 ? [channels, crop_size, crop_size] : undefined;
}
