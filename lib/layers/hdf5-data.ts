import { sub } from "../caffe/message.js";
import { croppedImages } from "./data-images.js";
import { dataLayer } from "./layer.js";

/** HDF5Data: the data sets of HDF5 files, each top the one of its name, [batch, ...]. `source` lists the files. */
export const HDF5Data = dataLayer({
  type: "HDF5Data",
  param: "hdf5_data_param",
  also: ["transform_param"],
  bottoms: 0,
  tops: [1, Number.POSITIVE_INFINITY],
  data: {
    origin: "hdf5",
    batchSize: (layer) => sub(layer, "hdf5_data_param").batch_size,
    image: croppedImages,
  },
  shapes: () => undefined,
});
