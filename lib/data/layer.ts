import { readFileSync } from "node:fs";
import { sub } from "../caffe/message.js";
import { type DataParameter, DataParameter_DB, type LayerParameter } from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import { random } from "../random.js";
import { spanOf } from "../text/notes.js";
import { embeddedSource } from "./detect.js";
import type { FeedSpec, RecordsSpec } from "./feed-spec.js";
import type { ColourMode } from "./image.js";
import type { SourceSpec } from "./open.js";
import { type Shard, WHOLE } from "./source.js";
import { IDENTITY, type TransformSpec } from "./transform.js";

/** What a feed's description takes from outside its layer. */
export interface FeedOptions {
  readonly phase: "TRAIN" | "TEST";
  /** Where a path inside the prototxt is. */
  readonly paths: (relative: string) => string;
  readonly seed: number;
  readonly shard?: Shard;
  /** Read instead of the source that the layer names; its fields go to the tops by name, else in order. */
  readonly data?: SourceSpec;
  /** What to do about a record that cannot be used; the default is to fail. */
  readonly onBadRecord?: "fail" | "skip";
}

type Describe = (layer: LayerParameter, options: FeedOptions) => FeedSpec;

/** The data layers, by Caffe's type names. */
const DATA_LAYERS = {
  Data: dataLayer,
  HDF5Data: hdf5DataLayer,
  ImageData: imageDataLayer,
} as const satisfies Record<string, Describe>;

/** Whether layers of a type bring data in, so that `feedSpec` describes them. */
export function isDataLayer(type: string): boolean {
  return Object.hasOwn(DATA_LAYERS, type);
}

/**
 * Describes the feed of a data layer (after the upgrade passes, so that transformations stand in transform_param).
 * Throws a NetrunError where a parameter is missing or contradicts another.
 */
export function feedSpec(layer: LayerParameter, options: FeedOptions): FeedSpec {
  if (!isDataLayer(layer.type)) {
    const near = nearest(layer.type, Object.keys(DATA_LAYERS));
    throw new NetrunError(`layer "${layer.name}": ${layer.type} is not a data layer`, {
      notes: near ? [`did you mean ${near}?`] : [],
    });
  }
  return DATA_LAYERS[layer.type as keyof typeof DATA_LAYERS](layer, options);
}

function dataLayer(layer: LayerParameter, options: FeedOptions): RecordsSpec {
  const param = sub(layer, "data_param");
  if (layer.top.length < 1 || layer.top.length > 2)
    throw fault(layer, `a Data layer has one or two tops, not ${layer.top.length}`);
  return {
    ...common(layer, options, param.batch_size),
    kind: "records",
    source: options.data ?? dataSource(layer, param, options),
    match: options.data ? "either" : "position",
    images: { colour: forcedColour(layer) },
    transform: transformSpec(layer, options),
    skip: randSkip(param.rand_skip, options),
    onBadRecord: options.onBadRecord ?? "fail",
  };
}

function imageDataLayer(layer: LayerParameter, options: FeedOptions): RecordsSpec {
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
    onBadRecord: options.onBadRecord ?? "fail",
  };
}

function hdf5DataLayer(layer: LayerParameter, options: FeedOptions): RecordsSpec {
  const param = sub(layer, "hdf5_data_param");
  const list = options.data ? "" : options.paths(required(layer, "hdf5_data_param", param.source));
  return {
    ...common(layer, options, param.batch_size),
    kind: "records",
    source: options.data ?? {
      kind: "hdf5",
      files: listedFiles(list).map(options.paths),
      datasets: layer.top,
      shuffle: param.shuffle ? options.seed : undefined,
    },
    match: options.data ? "either" : "name",
    images: { colour: "unchanged" },
    transform: transformSpec(layer, options),
    skip: 0,
    onBadRecord: options.onBadRecord ?? "fail",
  };
}

/** The names in a list file, apart from each other by any white space. */
function listedFiles(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split(/\s+/).filter(Boolean);
  } catch (cause) {
    throw new NetrunError("cannot read the list of HDF5 files", { file: path, notes: [String(cause)], cause });
  }
}

function required(layer: LayerParameter, param: string, source: string): string {
  if (source !== "") return source;
  throw fault(layer, `${param} has no source`);
}

function fault(layer: LayerParameter, message: string): NetrunError {
  return new NetrunError(`layer "${layer.name}": ${message}`, { span: spanOf(layer) });
}

function dataSource(layer: LayerParameter, param: DataParameter, options: FeedOptions): SourceSpec {
  const source = required(layer, "data_param", param.source);
  const embedded = embeddedSource(source);
  if (embedded) return embedded;
  const kind = param.backend === DataParameter_DB.LMDB ? "lmdb" : "leveldb";
  return { kind, path: options.paths(source) };
}

/**
 * Describes a feed of a source for tops that no data layer names: the inputs of a net that is trained on `--data`.
 * Fields go to the tops by name, else in order.
 */
export function sourceFeedSpec(
  data: SourceSpec,
  tops: readonly string[],
  batchSize: number,
  options: Omit<FeedOptions, "paths" | "data"> & { readonly transform?: Partial<TransformSpec> },
): FeedSpec {
  return {
    kind: "records",
    source: data,
    match: "either",
    batchSize,
    tops,
    phase: options.phase,
    seed: options.seed,
    shard: options.shard ?? WHOLE,
    images: { colour: "unchanged" },
    transform: { ...IDENTITY, ...options.transform },
    skip: 0,
    onBadRecord: options.onBadRecord ?? "fail",
  };
}

function common(layer: LayerParameter, options: FeedOptions, batchSize: number) {
  if (!(batchSize > 0)) throw fault(layer, `batch_size is ${batchSize}; it has to be positive`);
  return { batchSize, tops: layer.top, phase: options.phase, seed: options.seed, shard: options.shard ?? WHOLE };
}

function transformSpec(layer: LayerParameter, options: FeedOptions): TransformSpec {
  const param = sub(layer, "transform_param");
  return {
    scale: param.scale,
    mirror: param.mirror,
    cropSize: param.crop_size,
    meanValues: [...param.mean_value],
    meanFile: param.mean_file === "" ? undefined : options.paths(param.mean_file),
  };
}

function forcedColour(layer: LayerParameter): ColourMode {
  const { force_color, force_gray } = sub(layer, "transform_param");
  if (force_color && force_gray) throw fault(layer, "transform_param has both force_color and force_gray");
  return force_color ? "color" : force_gray ? "gray" : "unchanged";
}

/** How many records to leave out at the start so that parallel runs differ: random, below the parameter. */
function randSkip(below: number, options: FeedOptions): number {
  return below > 0 ? random(options.seed, below).integer(below) : 0;
}
