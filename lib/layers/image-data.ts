import { sub } from "../caffe/message.js";
import type { LayerParameter } from "../caffe/messages.js";
import { croppedImages } from "./data-images.js";
import type { ImageShape } from "./facts.js";
import { dataLayer } from "./layer.js";

/**
 * ImageData: images and labels from a list of files. Tops: data [batch, c, h, w] and label [batch], or with a fork's label_dim of
 * more than 1 [batch, label_dim].
 */
export const ImageData = dataLayer({
  type: "ImageData",
  param: "image_data_param",
  also: ["transform_param"],
  bottoms: 0,
  tops: 2,
  data: {
    origin: "images",
    batchSize: (layer) => sub(layer, "image_data_param").batch_size,
    rowShapes: (layer) => {
      const { label_dim: labels } = sub(layer, "image_data_param");
      return labels > 1 ? [undefined, [labels]] : [];
    },
    image,
  },
  shapes: () => undefined,
});

/** Cropped, or of the size that all are resized to; `is_color` says how they are decoded. */
function image(layer: LayerParameter): ImageShape | undefined {
  const { new_height, new_width, is_color } = sub(layer, "image_data_param");
  const [channels = 3, height = new_height, width = new_width] = croppedImages(layer) ?? [];
  return height > 0 && width > 0 ? [is_color ? channels : 1, height, width] : undefined;
}
