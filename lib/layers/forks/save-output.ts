import { has, sub as message } from "../../caffe/message.js";
import {
  type DetectionOutputParameter,
  type LayerParameter,
  type ResizeParameter,
  ResizeParameter_Resize_mode as Resize,
} from "../../caffe/messages.js";
import type { DetectionsOutput, Site, SourceFile } from "../layer.js";

type P = DetectionOutputParameter;

/** Files that `save_output_param` names, where all are there that the fork needs to save detections. */
export function filesToSaveBy({ detection_output_param: param }: LayerParameter): readonly SourceFile[] {
  const saved = param?.save_output_param;
  if (!saved?.output_directory || !saved.label_map_file || !saved.name_size_file) return [];
  return [
    { path: saved.label_map_file, as: "labels" },
    { path: saved.name_size_file, as: "sizes" },
  ];
}

/** Settings of files of detections, as plain data; undefined where none are saved. Throws for what contradicts itself. */
export function savedDetections({
  param,
  layer,
  bottoms,
  reads,
  source,
  error,
}: Site<P>): DetectionsOutput | undefined {
  if (filesToSaveBy(layer).length === 0 || !reads) return undefined;
  const saved = message(param, "save_output_param");
  const { output_format: format } = saved;
  // The fork saves nothing of another format, and says nothing.
  if (format !== "VOC" && format !== "COCO" && format !== "ILSVRC")
    throw error(`output_format is "${format}"`, "save_output_param", ["write VOC, COCO or ILSVRC"]);
  const [labels, sizes] = [source(saved.label_map_file), source(saved.name_size_file)];
  const names = new Map([...labels.data].map((label, i) => [label, labels.names![i]!]));
  const classes = Array.from({ length: param.num_classes }, (_, c) => c).filter((c) => c !== param.background_label_id);
  const unnamed = classes.find((c) => !names.has(c));
  if (unnamed !== undefined) throw error(`class ${unnamed} is not in "${saved.label_map_file}"`, "save_output_param");
  const images = sizes.names!.map((name, i) => ({ name, height: sizes.data[2 * i]!, width: sizes.data[2 * i + 1]! }));
  const total = has(saved, "num_test_image") ? saved.num_test_image : images.length;
  if (total < 1 || total > images.length)
    throw error(`num_test_image is ${total}, of ${images.length} images`, "save_output_param");
  return {
    items: bottoms[0]!.type.shape[0]!,
    folder: saved.output_directory,
    prefix: saved.output_name_prefix,
    format,
    names: new Map(classes.map((c) => [c, names.get(c)!])),
    images,
    total,
    resize: has(saved, "resize_param") ? resizeOf(message(saved, "resize_param")) : undefined,
  };
}

function resizeOf({ resize_mode: mode, height, width, height_scale, width_scale }: ResizeParameter) {
  if (mode === Resize.FIT_LARGE_SIZE_AND_PAD) return { by: "pads" as const, height, width };
  const isScaled = mode === Resize.FIT_SMALL_SIZE && height_scale > 0 && width_scale > 0;
  return isScaled ? { by: "scale" as const, height: height_scale, width: width_scale } : undefined;
}
