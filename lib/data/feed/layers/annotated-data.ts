import { has, sub } from "../../../caffe/message.js";
import {
  type BatchSampler,
  EmitConstraint_EmitType as EmitType,
  ResizeParameter_Interp_mode as Interpolate,
  type LayerParameter,
  type NoiseParameter,
  ResizeParameter_Pad_mode as Pad,
  ResizeParameter_Resize_mode as Resize,
  type ResizeParameter,
  type SampleConstraint,
  type TransformationParameter,
} from "../../../caffe/messages.js";
import { NetrunError } from "../../../error.js";
import { spanOf } from "../../../text/notes.js";
import type {
  AnnotationSpec,
  Chance,
  DistortSpec,
  EmitSpec,
  Interpolation,
  NoiseSpec,
  Bounds,
  ResizeSpec,
  SamplerSpec,
} from "../annotated/spec.js";
import type { RecordsSpec } from "../feed-spec.js";
import { common, type FeedOptions, fault, forcedColour, plainTransformSpec, randSkip } from "./common.js";
import { dataSource } from "./data.js";

/** AnnotatedData (SSD): images and boxes of a database of AnnotatedDatums, or of an embedded data set (`netrun:shapes/train`). */
export function annotatedLayer(layer: LayerParameter, options: FeedOptions): RecordsSpec {
  const param = sub(layer, "data_param");
  if (layer.top.length < 1 || layer.top.length > 2)
    throw fault(layer, `an AnnotatedData layer has one or two tops, not ${layer.top.length}`);
  return {
    ...common(layer, options, param.batch_size),
    kind: "records",
    prefetch: param.prefetch,
    source: options.data ?? dataSource(layer, param, options),
    match: "name",
    images: { colour: forcedColour(layer) },
    transform: plainTransformSpec(layer, options),
    annotations: annotationSpec(layer),
    skip: randSkip(param.rand_skip, options),
  };
}

function annotationSpec(layer: LayerParameter): AnnotationSpec {
  const transform = sub(layer, "transform_param");
  const param = sub(layer, "annotated_data_param");
  const samplers = param.batch_sampler;
  const { yolo_data_type: type, yolo_data_jitter: jitter } = param;
  if (type === 1 && !(jitter >= 0 && jitter < 1))
    throw wrong(layer, param, "yolo_data_jitter", `yolo_data_jitter is ${jitter}; it is at least 0 and below 1`);
  return {
    centred: type === 1 ? { jitter } : undefined,
    // What is not sampled from the original image is from nothing.
    samplers: samplers.filter(({ use_original_image: isUsed }) => isUsed).map((each) => samplerSpec(each, layer)),
    distort: has(transform, "distort_param") ? distortSpec(transform, layer) : undefined,
    expand: has(transform, "expand_param") ? expandSpec(transform, layer) : undefined,
    resizes: resizeSpecs(transform, layer),
    noise: has(transform, "noise_param") ? noiseSpec(sub(transform, "noise_param"), layer) : undefined,
    emit: has(transform, "emit_constraint") ? emitSpec(transform) : undefined,
  };
}

type Placed = Parameters<typeof spanOf>[0];

/** An error at a field of a layer's parameters. */
function wrong(
  layer: LayerParameter,
  param: Placed,
  field: string,
  message: string,
  notes: string[] = [],
): NetrunError {
  const span = spanOf(param, field) ?? spanOf(param) ?? spanOf(layer);
  return new NetrunError(`layer "${layer.name}": ${message}`, { span, notes });
}

function samplerSpec(param: BatchSampler, layer: LayerParameter): SamplerSpec {
  const sampler = sub(param, "sampler");
  const { min_scale, max_scale, min_aspect_ratio, max_aspect_ratio } = sampler;
  if (!(min_scale > 0 && min_scale <= max_scale && max_scale <= 1))
    throw wrong(
      layer,
      sampler,
      "min_scale",
      `scales go from ${min_scale} to ${max_scale}; they are above 0 and at most 1`,
    );
  if (!(min_aspect_ratio > 0 && min_aspect_ratio <= max_aspect_ratio))
    throw wrong(
      layer,
      sampler,
      "min_aspect_ratio",
      `aspect ratios go from ${min_aspect_ratio} to ${max_aspect_ratio}; they are above 0`,
    );
  const constraint = sub(param, "sample_constraint");
  return {
    scale: [min_scale, max_scale],
    aspect: [min_aspect_ratio, max_aspect_ratio],
    overlap: limits(constraint, "min_jaccard_overlap", "max_jaccard_overlap"),
    sampleCoverage: limits(constraint, "min_sample_coverage", "max_sample_coverage"),
    objectCoverage: limits(constraint, "min_object_coverage", "max_object_coverage"),
    most: has(param, "max_sample") ? param.max_sample : undefined,
    trials: param.max_trials,
  };
}

type Measure = keyof SampleConstraint & `${"min" | "max"}_${string}`;

const limits = (constraint: SampleConstraint, least: Measure, greatest: Measure): Bounds => ({
  least: has(constraint, least) ? constraint[least] : undefined,
  greatest: has(constraint, greatest) ? constraint[greatest] : undefined,
});

function distortSpec(transform: TransformationParameter, layer: LayerParameter): DistortSpec {
  const param = sub(transform, "distort_param");
  const around = (probability: number, delta: number, field: string): Chance => {
    if (delta < 0) throw wrong(layer, param, field, `${field} is ${delta}; it is not below 0`);
    return { probability, range: [-delta, delta] };
  };
  const between = (probability: number, lower: number, upper: number, field: string): Chance => {
    if (lower < 0 || upper < lower)
      throw wrong(layer, param, field, `the factors go from ${lower} to ${upper}; they are not below 0, and in order`);
    return { probability, range: [lower, upper] };
  };
  return {
    brightness: around(param.brightness_prob, param.brightness_delta, "brightness_delta"),
    contrast: between(param.contrast_prob, param.contrast_lower, param.contrast_upper, "contrast_lower"),
    saturation: between(param.saturation_prob, param.saturation_lower, param.saturation_upper, "saturation_lower"),
    hue: around(param.hue_prob, param.hue_delta, "hue_delta"),
    order: param.random_order_prob,
  };
}

function expandSpec(transform: TransformationParameter, layer: LayerParameter) {
  const param = sub(transform, "expand_param");
  const { prob: probability, max_expand_ratio: greatest } = param;
  if (greatest < 1) throw wrong(layer, param, "max_expand_ratio", `max_expand_ratio is ${greatest}; it is at least 1`);
  if (transform.mean_file !== "" && transform.mean_value.length === 0)
    throw wrong(layer, param, "", "expand_param with a mean_file is not supported", ["give mean_value in its place"]);
  return { probability, greatest };
}

const INTERPOLATIONS = {
  [Interpolate.LINEAR]: "linear",
  [Interpolate.AREA]: "area",
  [Interpolate.NEAREST]: "nearest",
  [Interpolate.CUBIC]: "cubic",
  [Interpolate.LANCZOS4]: "lanczos4",
} as const satisfies Record<Interpolate, Interpolation>;

const FILLS = {
  [Pad.CONSTANT]: "constant",
  [Pad.MIRRORED]: "mirror",
  [Pad.REPEAT_NEAREST]: "edge",
} as const satisfies Record<Pad, ResizeSpec["fill"]>;

const FITS = {
  [Resize.WARP]: "warp",
  [Resize.FIT_SMALL_SIZE]: "around",
  [Resize.FIT_LARGE_SIZE_AND_PAD]: "inside",
} as const satisfies Record<Resize, ResizeSpec["fit"]>;

/** The ways to resize, with their probabilities, which are asked for only where there are several. */
function resizeSpecs(transform: TransformationParameter, layer: LayerParameter): readonly ResizeSpec[] {
  const params = transform.resize_param;
  const sum = params.reduce((all, { prob }) => all + prob, 0);
  const bad = params.find(({ prob }) => !(prob >= 0 && prob <= 1));
  if (params.length > 1 && (bad || Math.abs(sum - 1) > PROBABILITY_ERROR))
    throw wrong(
      layer,
      bad ?? params[0]!,
      "prob",
      `prob of ${params.length} resize_param add up to ${Number(sum.toFixed(6))}; they are from 0 to 1 and add up to 1`,
    );
  return params.map((param) => resizeSpec(param, layer));
}

/** Difference from 1 that the fork allows the sum of probabilities. */
const PROBABILITY_ERROR = 0.01;

function resizeSpec(param: ResizeParameter, layer: LayerParameter): ResizeSpec {
  const { height, width, resize_mode: mode } = param;
  if (height === 0 || width === 0) throw wrong(layer, param, "height", "resize_param needs height and width");
  return {
    probability: param.prob,
    height,
    width,
    fit: FITS[mode],
    boxScale:
      mode === Resize.FIT_SMALL_SIZE && param.height_scale > 0 && param.width_scale > 0
        ? { height: param.height_scale, width: param.width_scale }
        : undefined,
    fill: FILLS[param.pad_mode],
    values: [...param.pad_value],
    interpolations: param.interp_mode.map((each) => INTERPOLATIONS[each]),
  };
}

function noiseSpec(param: NoiseParameter, layer: LayerParameter): NoiseSpec {
  const { fraction, value: values } = sub(param, "saltpepper_param");
  if (param.convert_to_lab)
    throw wrong(layer, param, "convert_to_lab", "convert_to_lab is not supported: its numbers are no bytes", [
      "the fork reads the bytes of its floats as pixels",
    ]);
  if (param.saltpepper && values.length === 0)
    throw wrong(layer, param, "saltpepper", "saltpepper needs saltpepper_param { fraction: ... value: ... }");
  const quality = Math.trunc(param.jpeg);
  if (param.jpeg > 0 && !(quality >= 1 && quality <= 100))
    throw wrong(layer, param, "jpeg", `jpeg is ${param.jpeg}; it is a quality from 1 to 100, or not above 0`);
  return {
    decolorize: param.decolorize,
    blur: param.gauss_blur,
    equalize: param.hist_eq,
    equalizeParts: param.clahe,
    quality: param.jpeg > 0 ? quality : undefined,
    erode: param.erode,
    posterize: param.posterize,
    invert: param.inverse,
    salt: param.saltpepper ? { fraction, values: values.map((each) => Math.trunc(each) & 255) } : undefined,
    hsv: param.convert_to_hsv,
  };
}

function emitSpec(transform: TransformationParameter): EmitSpec {
  const { emit_type, emit_overlap } = sub(transform, "emit_constraint");
  return emit_type === EmitType.CENTER ? { by: "centre" } : { by: "coverage", above: emit_overlap };
}
