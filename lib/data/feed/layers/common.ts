import { basename, dirname, join } from "node:path";
import { has, sub } from "../../../caffe/message.js";
import type { LayerParameter } from "../../../caffe/messages.js";
import { NetrunError } from "../../../error.js";
import { random } from "../../../random.js";
import { spanOf } from "../../../text/notes.js";
import type { ColourMode } from "../../image/image.js";
import type { SourceSpec } from "../../source/open.js";
import { type Shard, WHOLE } from "../../source/source.js";
import type { TransformSpec } from "../transform.js";

/** Context of a feed's description besides its layer. */
export interface FeedOptions {
  readonly phase: "TRAIN" | "TEST";
  /** Path of a file named inside the prototxt. */
  readonly paths: (relative: string) => string;
  readonly seed: number;
  readonly shard?: Shard;
  /** Read instead of the source that the layer names; its fields go to the tops by name, else in order. */
  readonly data?: SourceSpec;
  /** Policy for a record that cannot be used; the default is to fail. */
  readonly onBadRecord?: "fail" | "skip";
}

/** Common fields of all feeds. Throws NetrunError where the batch size is not positive. */
export function common(layer: LayerParameter, options: FeedOptions, batchSize: number) {
  if (!(batchSize > 0)) throw fault(layer, `batch_size is ${batchSize}; it must be positive`);
  const { phase, seed, shard = WHOLE, onBadRecord = "fail" } = options;
  return { batchSize, tops: layer.top, phase, seed, shard, onBadRecord };
}

/** Fields of transform_param that change images together with their boxes: of AnnotatedData layers alone. */
const WITH_BOXES = ["resize_param", "distort_param", "expand_param", "noise_param", "emit_constraint"] as const;

/** Transform of transform_param. Throws a NetrunError for what only AnnotatedData layers do. */
export function transformSpec(layer: LayerParameter, options: FeedOptions): TransformSpec {
  refuseAugmentation(layer);
  return plainTransformSpec(layer, options);
}

/** Throws a NetrunError, located, for the fields of transform_param that only AnnotatedData layers have. */
export function refuseAugmentation(layer: LayerParameter): void {
  const param = sub(layer, "transform_param");
  const field = WITH_BOXES.find((each) => has(param, each));
  if (field === undefined) return;
  throw new NetrunError(`layer "${layer.name}": ${layer.type} layers do not take ${field} here`, {
    span: spanOf(param, field) ?? spanOf(layer),
    notes: ["netrun has it for AnnotatedData layers; give data of the required size"],
    unsupported: true,
  });
}

/** Crop, mirror, mean and scale of transform_param. */
export function plainTransformSpec(layer: LayerParameter, options: FeedOptions): TransformSpec {
  const param = sub(layer, "transform_param");
  return {
    scale: param.scale,
    mirror: param.mirror,
    cropSize: param.crop_size,
    meanValues: [...param.mean_value],
    meanFile: param.mean_file === "" ? undefined : options.paths(param.mean_file),
  };
}

/** Colours of encoded images by transform_param. */
export function forcedColour(layer: LayerParameter): ColourMode {
  const { force_color, force_gray } = sub(layer, "transform_param");
  if (force_color && force_gray) throw fault(layer, "transform_param has both force_color and force_gray");
  return force_color ? "color" : force_gray ? "gray" : "unchanged";
}

/** Prefix of image names: a folder with its slash, or a path that names begin with, as Caffe has it. */
export function rootFolder(root: string, options: FeedOptions): string {
  if (root === "") return "";
  try {
    return options.paths(root);
  } catch (error) {
    const folder = dirname(root);
    if (root.endsWith("/") || folder === root) throw error;
    return join(folder === "." ? "" : options.paths(folder), basename(root));
  }
}

/** Number of records to leave out at the start so that parallel runs differ: random, below the parameter. */
export function randSkip(below: number, options: FeedOptions): number {
  return below > 0 ? random(options.seed, below).integer(below) : 0;
}

/** A source's name; throws a NetrunError where it is missing. */
export function required(layer: LayerParameter, param: string, source: string): string {
  if (source !== "") return source;
  throw fault(layer, `${param} has no source`);
}

/** An error about a data layer, at its place in the prototxt. */
export function fault(layer: LayerParameter, message: string): NetrunError {
  return new NetrunError(`layer "${layer.name}": ${message}`, { span: spanOf(layer) });
}
