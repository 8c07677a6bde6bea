import { sub } from "../../caffe/message.js";
import type { LayerParameter } from "../../caffe/messages.js";
import type { RecordsSpec } from "../feed-spec.js";
import { common, type FeedOptions, fault, randSkip, required, transformSpec } from "./common.js";

/** ImageData: image files by a list of names and labels, resized to one size if new_height and new_width are set. */
export function imageDataLayer(layer: LayerParameter, options: FeedOptions): RecordsSpec {
  const param = sub(layer, "image_data_param");
  const { new_height: height, new_width: width } = param;
  if (height > 0 !== width > 0)
    throw fault(layer, "image_data_param needs new_height and new_width together, or neither");
  const shuffle = param.shuffle ? options.seed : undefined;
  return {
    ...common(layer, options, param.batch_size),
    kind: "records",
    source: options.data ?? {
      kind: "images",
      list: options.paths(required(layer, "image_data_param", param.source)),
      root: param.root_folder === "" ? "" : options.paths(param.root_folder),
      shuffle,
    },
    match: options.data ? "either" : "position",
    images: { colour: param.is_color ? "color" : "gray", size: height > 0 ? { height, width } : undefined },
    transform: transformSpec(layer, options),
    skip: randSkip(param.rand_skip, options),
  };
}
