import { sub } from "../caffe/message.js";
import type { LayerParameter } from "../caffe/messages.js";
import { unknownFields } from "../text/notes.js";
import type { ImageShape } from "./facts.js";

/** Crops of forks that are not square: height and width, by their names in each. */
const SIDES = [
  ["crop_h", "crop_w"],
  ["crop_height", "crop_width"],
  ["crop_size_y", "crop_size_x"],
] as const;

/**
 * The images of a data layer as its `transform_param` makes them: `crop_size` square, or a fork's height and width, of as many
 * channels as it has means where it has several, else in colour unless `force_gray`.
 */
export function croppedImages(layer: LayerParameter): ImageShape | undefined {
  const param = sub(layer, "transform_param");
  const { crop_size, force_gray, mean_value } = param;
  const channels = mean_value.length > 1 ? mean_value.length : force_gray ? 1 : 3;
  const numbers = new Map(unknownFields(param).map((field) => [field.name, "text" in field ? Number(field.text) : 0]));
  const sides = SIDES.map((names) => names.map((name) => numbers.get(name) ?? 0));
  const [height, width] = sides.find((pair) => pair.every((side) => side > 0)) ?? [crop_size, crop_size];
  return height! > 0 ? [channels, height!, width!] : undefined;
}
