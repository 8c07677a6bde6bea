import { sub } from "../../caffe/message.js";
import type { LayerParameter } from "../../caffe/messages.js";
import { croppedImages } from "../data-images.js";
import type { ImageShape, LabelMaps } from "../facts.js";
import { type DataLayer, dataLayer } from "../layer.js";

/** A label for each place of an image [n, c, h, w], whose sides may be divided. */
export const labelMaps = ([rows = 1, , ...places]: readonly number[], divisor: number) => [
  rows,
  1,
  ...places.map((side) => Math.floor(side / divisor)),
];

/** Sides of labels are this part of those of the images; what ENet's encoder is trained on. */
const divisorOf = (layer: LayerParameter): number =>
  layer.dense_image_data_param ? Math.max(1, layer.dense_image_data_param.label_divide_factor) : 1;

/** Images and, as images, their labels, from a list of two names a line. Tops: data [n, c, h, w] and labels [n, 1, h, w]. */
const denseData = (
  type: string,
  param: "dense_image_data_param" | "image_data_param",
  { values, padding }: { values?: LabelMaps["values"]; padding?: (layer: LayerParameter) => number } = {},
): DataLayer =>
  dataLayer({
    type,
    param,
    also: ["transform_param"],
    bottoms: 0,
    tops: [2, 3],
    data: {
      origin: "maps",
      batchSize: (layer) => sub(layer, param).batch_size,
      image: (layer) => imageOf(layer, param),
      otherTops: (first, layer) => labelMaps(first, divisorOf(layer)),
      maps: (layer) => ({ divisor: divisorOf(layer), values: values ?? "classes", padding: padding?.(layer) }),
    },
    shapes: () => undefined,
  });

function imageOf(layer: LayerParameter, param: "dense_image_data_param" | "image_data_param"): ImageShape | undefined {
  const { new_height, new_width, is_color } = sub(layer, param);
  const [channels = 3, height = new_height, width = new_width] = croppedImages(layer) ?? [];
  return height > 0 && width > 0 ? [is_color ? channels : 1, height, width] : undefined;
}

/** DenseImageData (SegNet, ENet): where it says new_height and new_width, labels may be label_divide_factor times smaller. */
export const DenseImageData = denseData("DenseImageData", "dense_image_data_param");

/** ImageLabelmapData (HED): labels are edges, 1 where the label image is brighter than its middle grey and 0 elsewhere. */
export const ImageLabelmapData = denseData("ImageLabelmapData", "image_data_param", { values: "edges" });

/**
 * ImageSegData (DeepLab, PSPNet), with labels of each pixel. An image smaller than crop_size is padded below and right, by the mean values and, as label,
 * by ignore_label. A third top, the images' sizes, is not filled.
 */
export const ImageSegData = denseData("ImageSegData", "image_data_param", {
  padding: (layer) => sub(layer, "image_data_param").ignore_label,
});
