import { sub } from "../../../caffe/message.js";
import type { LayerParameter } from "../../../caffe/messages.js";
import { readHdf5List } from "../../source/hdf5-list.js";
import type { RecordsSpec } from "../feed-spec.js";
import { common, type FeedOptions, forcedColour, required, transformSpec } from "./common.js";

/** HDF5Data: the datasets named like the tops, of the HDF5 files that a list names. */
export function hdf5DataLayer(layer: LayerParameter, options: FeedOptions): RecordsSpec {
  const param = sub(layer, "hdf5_data_param");
  const list = options.data ? "" : options.paths(required(layer, "hdf5_data_param", param.source));
  return {
    ...common(layer, options, param.batch_size),
    kind: "records",
    source: options.data ?? {
      kind: "hdf5",
      files: readHdf5List(list).map(options.paths),
      datasets: layer.top,
      shuffle: param.shuffle ? options.seed : undefined,
    },
    match: options.data ? "either" : "name",
    images: { colour: forcedColour(layer) },
    transform: transformSpec(layer, options),
    skip: 0,
  };
}
