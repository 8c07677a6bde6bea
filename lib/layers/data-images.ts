import { sub } from "../caffe/message.js";
import type { LayerParameter } from "../caffe/messages.js";
import type { ImageShape } from "./facts.js";

/** The images of a data layer as its `transform_param` makes them: `crop_size` square, in colour unless `force_gray`. */
export function croppedImages(layer: LayerParameter): ImageShape | undefined {
  const { crop_size, force_gray } = sub(layer, "transform_param");
  return crop_size > 0 ? [force_gray ? 1 : 3, crop_size, crop_size] : undefined;
}
