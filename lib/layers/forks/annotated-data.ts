import { has, sub } from "../../caffe/message.js";
import type { LayerParameter } from "../../caffe/messages.js";
import { croppedImages } from "../data-images.js";
import type { ImageShape } from "../facts.js";
import { dataLayer } from "../layer.js";

/**
 * AnnotatedData (SSD): images with boxes from a database of AnnotatedDatums (LMDB or LevelDB). Tops: data [batch, c, h, w] and boxes
 * [1, 1, g, 8] of (item, class, instance, x1, y1, x2, y2, difficult), corners as parts of the image; rows of -1 are none.
 */
export const AnnotatedData = dataLayer({
  type: "AnnotatedData",
  param: "annotated_data_param",
  also: ["data_param", "transform_param"],
  bottoms: 0,
  tops: [1, 2],
  data: {
    origin: "annotated",
    batchSize: (layer) => sub(layer, "data_param").batch_size,
    image,
    // Boxes of all images of a batch: as many as there are, of which one stands here.
    otherTops: () => [1, 1, 1, 8],
  },
  shapes: () => undefined,
});

/** Cropped, or else of the size that all are resized to. */
function image(layer: LayerParameter): ImageShape | undefined {
  const cropped = croppedImages(layer);
  const transform = sub(layer, "transform_param");
  if (cropped || !has(transform, "resize_param")) return cropped;
  const { height, width } = sub(transform, "resize_param");
  return height > 0 && width > 0 ? [transform.force_gray ? 1 : 3, height, width] : undefined;
}
