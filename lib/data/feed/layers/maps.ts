import { sub } from "../../../caffe/message.js";
import type { LayerParameter } from "../../../caffe/messages.js";
import { labelDivisor } from "../../../layers/index.js";
import type { RecordsSpec } from "../feed-spec.js";
import { common, type FeedOptions, fault, randSkip, required, rootFolder, transformSpec } from "./common.js";

/** DenseImageData, ImageSegData and ImageLabelmapData: images whose labels are images, by a list of two names a line. */
export function mapsLayer(layer: LayerParameter, options: FeedOptions): RecordsSpec {
  const field = layer.dense_image_data_param ? "dense_image_data_param" : "image_data_param";
  const param = sub(layer, field);
  const { new_height: height, new_width: width, source, root_folder, shuffle } = param;
  if (layer.top.length > 2) throw fault(layer, "its third top, the sizes of images, is not supported: leave it out");
  if (height > 0 !== width > 0) throw fault(layer, `${field} needs new_height and new_width together, or neither`);
  const divisor = labelDivisor(layer);
  if (divisor > 1 && (height === 0 || sub(layer, "transform_param").crop_size > 0))
    throw fault(layer, "label_divide_factor needs new_height and new_width, and no crop_size");
  return {
    ...common(layer, options, param.batch_size),
    kind: "records",
    source: options.data ?? {
      kind: "images",
      list: options.paths(required(layer, field, source)),
      root: rootFolder(root_folder, options),
      shuffle: shuffle ? options.seed : undefined,
      maps: true,
    },
    match: options.data ? "either" : "position",
    images: { colour: param.is_color ? "color" : "gray", size: height > 0 ? { height, width } : undefined },
    transform: transformSpec(layer, options),
    maps: {
      size: height > 0 ? { height: Math.floor(height / divisor), width: Math.floor(width / divisor) } : undefined,
      values: layer.type === "ImageLabelmapData" ? "edges" : "classes",
    },
    skip: randSkip(param.rand_skip, options),
  };
}
