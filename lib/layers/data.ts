import { dataLayer } from "./layer.js";

/** Data: images and labels from a database of Datums (LMDB or LevelDB). Tops: data [batch, c, h, w] and, where named, label [batch]. */
export const Data = dataLayer({
  type: "Data",
  param: "data_param",
  also: ["transform_param"],
  bottoms: 0,
  tops: [1, 2],
  shapes: () => undefined,
});
