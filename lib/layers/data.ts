import { sub } from "../caffe/message.js";
import { croppedImages } from "./data-images.js";
import { dataLayer } from "./layer.js";

/** Data: images and labels from a database of Datums (LMDB or LevelDB). Tops: data [batch, c, h, w] and, where named, label [batch]. */
export const Data = dataLayer({
  type: "Data",
  param: "data_param",
  also: ["transform_param"],
  bottoms: 0,
  tops: [1, 2],
  data: {
    origin: "database",
    batchSize: (layer) => sub(layer, "data_param").batch_size,
    image: croppedImages,
  },
  shapes: () => undefined,
});
