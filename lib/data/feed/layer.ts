import type { LayerParameter } from "../../caffe/messages.js";
import { NetrunError, nearest } from "../../error.js";
import type { ColourMode } from "../image/image.js";
import type { SourceSpec } from "../source/open.js";
import { WHOLE } from "../source/source.js";
import type { FeedSpec } from "./feed-spec.js";
import type { FeedOptions } from "./layers/common.js";
import { dataLayer } from "./layers/data.js";
import { dummyDataLayer } from "./layers/dummy-data.js";
import { hdf5DataLayer } from "./layers/hdf5-data.js";
import { imageDataLayer } from "./layers/image-data.js";
import { windowDataLayer } from "./layers/window-data.js";
import { IDENTITY, type TransformSpec } from "./transform.js";

export type { FeedOptions } from "./layers/common.js";

type Describe = (layer: LayerParameter, options: FeedOptions) => FeedSpec;

/** The data layers, by Caffe's type names. */
const DATA_LAYERS = {
  Data: dataLayer,
  DummyData: dummyDataLayer,
  HDF5Data: hdf5DataLayer,
  ImageData: imageDataLayer,
  WindowData: windowDataLayer,
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
    /** How encoded images become pixels; as they are, unless said. */
    readonly colour?: ColourMode;
    /** The shapes that rows of tops have to have. */
    readonly wanted?: Readonly<Record<string, readonly number[]>> | undefined;
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
    images: { colour: options.colour ?? "unchanged" },
    transform: { ...IDENTITY, ...options.transform },
    skip: 0,
    wanted: options.wanted,
    onBadRecord: options.onBadRecord ?? "fail",
  };
}
