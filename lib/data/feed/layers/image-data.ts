import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { sub } from "../../../caffe/message.js";
import type { LayerParameter } from "../../../caffe/messages.js";
import { firstImage } from "../../source/images/list.js";
import type { SourceSpec } from "../../source/open.js";
import type { RecordsSpec } from "../feed-spec.js";
import { common, type FeedOptions, fault, randSkip, required, rootFolder, transformSpec } from "./common.js";

/** ImageData: image files by a list of names and labels, resized to one size if new_height and new_width are set. */
export function imageDataLayer(layer: LayerParameter, options: FeedOptions): RecordsSpec {
  const param = sub(layer, "image_data_param");
  const { new_height: height, new_width: width } = param;
  if (height > 0 !== width > 0)
    throw fault(layer, "image_data_param needs new_height and new_width together, or neither");
  return {
    ...common(layer, options, param.batch_size),
    kind: "records",
    source: options.data ?? imagesOf(layer, options),
    match: options.data ? "either" : "position",
    images: { colour: param.is_color ? "color" : "gray", size: height > 0 ? { height, width } : undefined },
    transform: transformSpec(layer, options),
    skip: randSkip(param.rand_skip, options),
  };
}

function imagesOf(layer: LayerParameter, options: FeedOptions): SourceSpec {
  const { source, root_folder, shuffle, label_dim: count } = sub(layer, "image_data_param");
  const list = options.paths(required(layer, "image_data_param", source));
  const root = root_folder === "" ? inferredRoot(list, options, count) : rootFolder(root_folder, options);
  return { kind: "images", list, root, shuffle: shuffle ? options.seed : undefined, ...(count > 1 && { count }) };
}

/** Names are looked up where other paths of the prototxt are: in the working directory, else where the first one is found. */
function inferredRoot(list: string, { paths }: FeedOptions, count: number): string {
  const { name, problem } = firstImage(list, count) ?? { name: "", problem: "empty" };
  if (problem !== undefined || isAbsolute(name) || existsSync(name)) return "";
  try {
    const found = paths(name);
    return found.endsWith(name) ? found.slice(0, found.length - name.length) : "";
  } catch {
    // The list's first image is missing, which is told when it is read.
    return "";
  }
}
