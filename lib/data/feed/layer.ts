import type { LayerParameter } from "../../caffe/messages.js";
import { NetrunError } from "../../error.js";
import { type DataOrigin, dataOf } from "../../layers/index.js";
import type { ColourMode, ImageDecoding } from "../image/image.js";
import type { SourceSpec } from "../source/open.js";
import { WHOLE } from "../source/source.js";
import type { FeedSpec } from "./feed-spec.js";
import { annotatedLayer } from "./layers/annotated-data.js";
import type { FeedOptions } from "./layers/common.js";
import { databaseLayer } from "./layers/data.js";
import { dummyDataLayer } from "./layers/dummy-data.js";
import { hdf5DataLayer } from "./layers/hdf5-data.js";
import { imageDataLayer } from "./layers/image-data.js";
import { mapsLayer } from "./layers/maps.js";
import { regionsLayer } from "./layers/regions.js";
import { windowDataLayer } from "./layers/window-data.js";
import { IDENTITY, type TransformSpec } from "./transform.js";

export type { FeedOptions } from "./layers/common.js";

type Describe = (layer: LayerParameter, options: FeedOptions) => FeedSpec;

/** Descriptions of layers whose tops a feed fills, by where their data comes from; null for those that have no feed. */
const FEEDS = {
  annotated: annotatedLayer,
  database: databaseLayer,
  fillers: dummyDataLayer,
  hdf5: hdf5DataLayer,
  images: imageDataLayer,
  maps: mapsLayer,
  regions: regionsLayer,
  windows: windowDataLayer,
  plugin: null,
  unread: null,
  program: null,
  input: null,
} as const satisfies Record<DataOrigin, Describe | null>;

/** Data that `feedSpec` describes also where it is read from another source than the layer's own. */
const REDIRECTED: readonly DataOrigin[] = ["annotated", "database", "hdf5", "images", "maps", "regions"];

/** Tests whether netrun fills a layer's tops by itself, from what its parameters name: `feedSpec` describes how. */
export function hasFeed(layer: LayerParameter): boolean {
  const data = dataOf(layer);
  return data !== undefined && FEEDS[data.origin] !== null;
}

/** Tests whether a layer's own parameters say how records of any source become batches. */
export function readsAnySource(layer: LayerParameter): boolean {
  const data = dataOf(layer);
  return data !== undefined && REDIRECTED.includes(data.origin);
}

/**
 * Describes the feed of a data layer (after the upgrade passes, so that transformations stand in transform_param).
 * Throws a NetrunError where a parameter is missing or contradicts another.
 */
export function feedSpec(layer: LayerParameter, options: FeedOptions): FeedSpec {
  const data = dataOf(layer);
  const describe = data && FEEDS[data.origin];
  if (!describe) throw new NetrunError(`layer "${layer.name}": ${layer.type} layers have no data that netrun reads`);
  return describe(layer, options);
}

/**
 * Describes a feed of a source for tops that no data layer names: the inputs of a net that is trained on `--data`.
 * Fields go to the tops by name, else in order.
 */
export function sourceFeedSpec(
  data: SourceSpec,
  tops: readonly string[],
  batchSize: number,
  options: Omit<FeedOptions, "paths" | "data"> & {
    readonly transform?: Partial<TransformSpec>;
    /** Decoding of encoded images; as they are, unless said. */
    readonly colour?: ColourMode;
    /** Size for encoded images. */
    readonly size?: ImageDecoding["size"];
    /** The shapes that rows of tops have to have. */
    readonly wanted?: Readonly<Record<string, readonly number[]>> | undefined;
    readonly unread?: string | undefined;
  },
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
    images: { colour: options.colour ?? "unchanged", size: options.size },
    transform: { ...IDENTITY, ...options.transform },
    skip: 0,
    wanted: options.wanted,
    unread: options.unread,
    onBadRecord: options.onBadRecord ?? "fail",
  };
}
