import { sub } from "../caffe/message.js";
import { type DataParameter, DataParameter_DB, type LayerParameter } from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import { random } from "../random.js";
import { embeddedSource } from "./detect.js";
import type { FeedSpec, RecordsSpec } from "./feed-spec.js";
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
}

type Describe = (layer: LayerParameter, options: FeedOptions) => FeedSpec;

/** The data layers, by Caffe's type names. */
const DATA_LAYERS = {
  Data: dataLayer,
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
    throw new NetrunError(`layer "${layer.name}": a Data layer has one or two tops, not ${layer.top.length}`);
  return {
    ...common(layer, options, param.batch_size),
    kind: "records",
    source: options.data ?? dataSource(layer, param, options),
    match: options.data ? "either" : "position",
    transform: transformSpec(layer, options),
    skip: randSkip(param.rand_skip, options),
  };
}

function dataSource(layer: LayerParameter, param: DataParameter, options: FeedOptions): SourceSpec {
  if (param.source === "") throw new NetrunError(`layer "${layer.name}": data_param has no source`);
  const embedded = embeddedSource(param.source);
  if (embedded) return embedded;
  const path = options.paths(param.source);
  if (param.backend === DataParameter_DB.LMDB) return { kind: "lmdb", path };
  throw new NetrunError(`layer "${layer.name}": the LevelDB backend is not there yet`);
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
    transform: { ...IDENTITY, ...options.transform },
    skip: 0,
  };
}

function common(layer: LayerParameter, options: FeedOptions, batchSize: number) {
  if (!(batchSize > 0))
    throw new NetrunError(`layer "${layer.name}": batch_size is ${batchSize}; it has to be positive`);
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
    forceColor: param.force_color,
    forceGray: param.force_gray,
  };
}

/** How many records to leave out at the start so that parallel runs differ: random, below the parameter. */
function randSkip(below: number, options: FeedOptions): number {
  return below > 0 ? random(options.seed, below).integer(below) : 0;
}
