import { sub } from "../caffe/message.js";
import { croppedImages } from "./data-images.js";
import { dataLayer } from "./layer.js";

/** WindowData: windows of images and their classes, sampled as R-CNN does. Tops: data [batch, c, crop, crop] and label [batch]. */
export const WindowData = dataLayer({
  type: "WindowData",
  param: "window_data_param",
  also: ["transform_param"],
  bottoms: 0,
  tops: 2,
  data: {
    origin: "windows",
    batchSize: (layer) => sub(layer, "window_data_param").batch_size,
    image: croppedImages,
  },
  shapes: () => undefined,
});
