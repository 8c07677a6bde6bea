import { dataLayer } from "./layer.js";

/** ImageData: images and labels from a list of files. Tops: data [batch, c, h, w] and label [batch]. */
export const ImageData = dataLayer({
  type: "ImageData",
  param: "image_data_param",
  also: ["transform_param"],
  bottoms: 0,
  tops: 2,
  shapes: () => undefined,
});
