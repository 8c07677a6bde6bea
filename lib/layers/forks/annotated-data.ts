import { sub } from "../../caffe/message.js";
import { type LayerParameter, ResizeParameter_Resize_mode as Mode } from "../../caffe/messages.js";
import { croppedImages } from "../data-images.js";
import type { DataFacts, ImageShape } from "../facts.js";
import { dataLayer } from "../layer.js";

/** Rows of boxes of each image that are assumed before the data is read. */
const CENTRED_ROOM = 8;

const annotated: DataFacts = {
  origin: "annotated",
  batchSize: (layer) => sub(layer, "data_param").batch_size,
  image,
  // Boxes of all images of a batch: as many as there are, of which one stands here.
  otherTops: () => [1, 1, 1, 8],
};

/**
 * AnnotatedData (SSD): images with boxes from a database of AnnotatedDatums (LMDB or LevelDB). Tops: data [batch, c, h, w] and boxes
 * [1, 1, g, 8] of (item, class, instance, x1, y1, x2, y2, difficult), corners as parts of the image; rows of -1 are none.
 * With `yolo_data_type: 1` (MobileNet-YOLO) the second is [batch, 1, g, 5]: of each image (class - 1, centre x, centre y, width,
 * height) of the boxes that are not difficult, then rows of 0; and a part of the image that lacks up to yolo_data_jitter of each side
 * is taken in place of the samplers'.
 */
export const AnnotatedData = dataLayer({
  type: "AnnotatedData",
  param: "annotated_data_param",
  also: ["data_param", "transform_param"],
  bottoms: 0,
  tops: [1, 2],
  data: annotated,
  specific: (layer) =>
    isCentred(layer) ? { data: { ...annotated, otherTops: ([n = 1]) => [n, 1, CENTRED_ROOM, 5] } } : {},
  shapes: () => undefined,
});

/** Tests whether the boxes of an AnnotatedData layer are rows of centres, as YOLO's losses take them. */
export const isCentred = (layer: LayerParameter): boolean => sub(layer, "annotated_data_param").yolo_data_type === 1;

/** Cropped, or else of the size that all are resized to. */
function image(layer: LayerParameter): ImageShape | undefined {
  const cropped = croppedImages(layer);
  const transform = sub(layer, "transform_param");
  const [first] = transform.resize_param;
  if (cropped || !first) return cropped;
  const { height, width, resize_mode: mode } = first;
  // Images around a size have their own.
  if (mode === Mode.FIT_SMALL_SIZE) return undefined;
  return height > 0 && width > 0 ? [transform.force_gray ? 1 : 3, height, width] : undefined;
}
