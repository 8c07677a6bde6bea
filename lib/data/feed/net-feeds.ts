import { refusedFork } from "../../caffe/forks/index.js";
import { amend, has, sub } from "../../caffe/message.js";
import type { LayerParameter } from "../../caffe/messages.js";
import { NetrunError } from "../../error.js";
import { bringsData, dataOf, findType, inputFor, isDataLayer, registeredTypes, takesData } from "../../layers/index.js";
import { FEED, TRANSFORM } from "../../options/data.js";
import { checkOptions, flagOf, type OptionSpec } from "../../options/option.js";
import { spanOf } from "../../text/notes.js";
import { detectSource } from "../source/detect.js";
import type { SourceSpec } from "../source/open.js";
import type { FeedSpec } from "./feed-spec.js";
import type { GivenData } from "./given-rows.js";
import { type FeedOptions, feedSpec, hasFeed, readsAnySource, sourceFeedSpec } from "./layer.js";
import { forcedColour, refuseAugmentation } from "./layers/common.js";
import type { TransformSpec } from "./transform.js";

/** Data sets in place of those that a net's data layers name. */
export interface DataChoice {
  /**
   * Replaces the sources of all data layers: a path of any kind that netrun knows, the name of an embedded data set, a source, or
   * rows, any iterable of objects with a value for each field by name.
   */
  readonly data?: GivenData | undefined;
  /** Rows of a batch. */
  readonly batchSize?: number | undefined;
  /** Policy for a record that cannot be used; the default is to fail. */
  readonly onBadRecord?: "fail" | "skip" | undefined;
  /** Changes of the transform of the first top, in place of what the net says. */
  readonly transform?: TransformChange | undefined;
}

/** Changes of a transform. One kind of mean replaces the other. */
export interface TransformChange extends Partial<TransformSpec> {
  /** No mean is subtracted, whatever the net says. */
  readonly noMean?: boolean | undefined;
}

/** A choice whose rows, if it has some, are in a file already. */
export type ResolvedChoice = Omit<DataChoice, "data"> & {
  readonly data?: string | SourceSpec | undefined;
  /** True if the transform may have nothing to change: of a solver's test nets, which share that of the train net. */
  readonly isTransformShared?: boolean | undefined;
};

/** The layers of a net and the feeds of its data layers. */
export interface NetFeeds {
  /** As they were, but for data layers of kinds that only other programs can read: those are Input layers now. */
  readonly layers: readonly LayerParameter[];
  readonly specs: readonly FeedSpec[];
}

type Options = Omit<FeedOptions, "paths" | "data"> & {
  readonly paths: (layer: LayerParameter) => FeedOptions["paths"];
  /** Sources of layers whose rows plugins give. */
  readonly rows?: ReadonlyMap<LayerParameter, SourceSpec> | undefined;
  /** Blobs that are fed by hand: data layers with no other tops have no feed. */
  readonly given: Iterable<string>;
};

/** Rows of a batch where neither the net nor the choice says how many. */
const BATCH_SIZE = 64;

/**
 * The feeds of a net of one phase. Where the choice names data, every data layer reads that (Input layers, too, in a net that has
 * no others). Throws NetrunError where there is nothing to replace, and what `feedSpec` throws.
 */
export function netFeeds(layers: readonly LayerParameter[], choice: ResolvedChoice, options: Options): NetFeeds {
  checkChoice(choice);
  const given = new Set(options.given);
  const open = layers.filter(({ top }) => top.some((name) => !given.has(name)));
  const change = (spec: FeedSpec): FeedSpec => changed(spec, choice);
  const meanless = (layer: LayerParameter) => (changesMean(choice) ? withoutMean(layer) : layer);
  const own = (layer: LayerParameter) =>
    options.rows?.has(layer)
      ? pluginFeed(layer, options)
      : feedSpec(meanless(layer), { ...options, paths: options.paths(layer) });
  if (choice.data === undefined) {
    const fed = open.filter((layer) => hasFeed(layer) || options.rows?.has(layer));
    const specs = fed.map((layer) => change(own(layer)));
    const unused = specs.every(({ kind }) => kind === "dummy") ? wantedOfRecords(choice) : undefined;
    if (unused !== undefined) throw noRecords(unused, open);
    return { layers, specs };
  }
  const source = typeof choice.data === "string" ? detectSource(choice.data) : choice.data;
  const data = open.filter(takesData);
  const sources = data.filter(bringsData);
  if (data.length === 0) throw new NetrunError("the net has no data layers or inputs for the data to go to");
  // Fillers make their blobs themselves.
  const kept = open.filter((layer) => hasFeed(layer) && !takesData(layer)).map(own);
  if (sources.length === 0) return { layers, specs: [change(inputFeed(data, source, options)), ...kept] };
  const replaced = new Map(sources.map((layer) => [layer, replace(layer, meanless(layer), source, options)]));
  return {
    layers: layers.map((layer) => replaced.get(layer)?.layer ?? layer),
    specs: [...[...replaced.values()].map(({ spec }) => change(spec)), ...kept],
  };
}

/** The feed of the rows that a plugin gives. */
function pluginFeed(layer: LayerParameter, options: Options): FeedSpec {
  const type = findType(layer, registeredTypes());
  const images = type && isDataLayer(type) ? type.images?.(layer) : undefined;
  const { size, mean, scale, mirror } = images ?? {};
  const own = { ...(mean && { meanValues: mean }), ...set("scale", scale), ...set("mirror", mirror) };
  const batch = dataOf(layer)!.batchSize?.(layer) ?? BATCH_SIZE;
  if (!Number.isInteger(batch) || batch < 1)
    throw new NetrunError(`layer "${layer.name}": its batch size is ${batch}, not a whole number of 1 or more`, {
      span: spanOf(layer),
      notes: ["its plugin's batchSize gives it, or the layer's parameters"],
    });
  return sourceFeedSpec(options.rows!.get(layer)!, layer.top, batch, {
    ...options,
    transform: { ...plainTransform(layer, options), ...own },
    colour: images ? "color" : forcedColour(layer),
    size: size && { height: size[0], width: size[1] },
  });
}

const set = <K extends string, T>(name: K, value: T | undefined) =>
  (value === undefined ? {} : { [name]: value }) as Partial<Record<K, T>>;

/** Options of a choice that only records have, by flag and name in the API. */
function wantedOfRecords({
  batchSize,
  transform = {},
  isTransformShared = false,
}: ResolvedChoice): readonly [flag: string, api: string] | undefined {
  if (batchSize !== undefined) return ["--batch-size", "batchSize"];
  if (isTransformShared) return undefined;
  for (const [name, spec] of Object.entries<OptionSpec>(TRANSFORM)) {
    const api = spec.api || name;
    // Without a mean there is nothing to skip.
    if (api !== "noMean" && transform[api as keyof TransformChange] !== undefined)
      return [`--${flagOf(name)}`, `transform.${api}`];
  }
  return undefined;
}

/** The error of a choice that goes to no layer: shapes and values are the prototxt's own. */
function noRecords([flag, api]: readonly [string, string], layers: readonly LayerParameter[]): NetrunError {
  const layer = layers.find((each) => dataOf(each) !== undefined);
  const whose = layer
    ? `layer "${layer.name}" (${layer.type}) has the ${flag === "--batch-size" ? "shape" : "values"} that the prototxt says`
    : "the net reads no data";
  return new NetrunError(`${flag} (in the API ${api}) has no effect: ${whose}`, {
    span: layer && spanOf(layer),
    notes: [`give --data PATH as well${flag === "--batch-size" ? ", or change the shape in the prototxt" : ""}`],
  });
}

/** One feed for all tops of Input layers: they are the fields of one data set. */
function inputFeed(layers: readonly LayerParameter[], source: SourceSpec, options: Options): FeedSpec {
  const tops = layers.flatMap(({ top }) => top);
  const rows = dataOf(layers[0]!)!.batchSize?.(layers[0]!);
  const wanted = Object.assign({}, ...layers.map(rowShapesOf));
  return sourceFeedSpec(source, tops, rows ?? BATCH_SIZE, { ...options, wanted });
}

/** The shapes of rows that a data layer prescribes, by top. */
function rowShapesOf(layer: LayerParameter): Readonly<Record<string, readonly number[]>> {
  const shapes = dataOf(layer)!.rowShapes?.(layer) ?? [];
  return Object.fromEntries(shapes.flatMap((shape, i) => (shape ? [[layer.top[i] ?? "", shape]] : [])));
}

/** `read` is the layer as its data is read. */
function replace(layer: LayerParameter, read: LayerParameter, source: SourceSpec, options: Options) {
  if (readsAnySource(layer)) {
    return { layer, spec: feedSpec(read, { ...options, paths: options.paths(layer), data: source }) };
  }
  const data = dataOf(layer)!;
  // A layer that the program feeds has shapes of its own to be held to.
  const isFed = data.origin === "program" && findType(layer, registeredTypes())?.data !== undefined;
  return {
    layer: isFed ? layer : inputFor([layer]),
    spec: sourceFeedSpec(source, layer.top, data.batchSize?.(layer) || BATCH_SIZE, {
      ...options,
      transform: plainTransform(read, options),
      colour: forcedColour(layer),
      wanted: rowShapesOf(layer),
      unread: data.unread,
    }),
  };
}

function plainTransform(layer: LayerParameter, options: Options): Partial<TransformSpec> {
  if (!has(layer, "transform_param")) return {};
  const refused = refusedFork(sub(layer, "transform_param"), `layer "${layer.name}": `);
  if (refused) throw refused;
  refuseAugmentation(layer);
  const { scale, mirror, crop_size, mean_value, mean_file } = sub(layer, "transform_param");
  const meanFile = mean_file === "" ? undefined : options.paths(layer)(mean_file);
  return { scale, mirror, cropSize: crop_size, meanValues: [...mean_value], meanFile };
}

/** Checks numbers, and that at most one mean is asked for. Throws NetrunError. */
function checkChoice(choice: ResolvedChoice): void {
  checkOptions(FEED, { ...choice, data: undefined });
  const { transform = {} } = choice;
  checkOptions(TRANSFORM, transform);
  const { noMean, meanFile, meanValues = [] } = transform;
  if (Number(noMean ?? false) + Number(meanFile !== undefined) + Number(meanValues.length > 0) > 1) {
    throw new NetrunError("several means are asked for", { notes: ["give one of mean file, mean values and no mean"] });
  }
}

const changesMean = ({ transform = {} }: ResolvedChoice) =>
  transform.noMean === true || transform.meanFile !== undefined || transform.meanValues !== undefined;

/** A data layer without the mean that it names, whose file may not be here. */
function withoutMean(layer: LayerParameter): LayerParameter {
  if (!has(layer, "transform_param")) return layer;
  return amend(layer, {
    transform_param: amend(sub(layer, "transform_param"), { mean_file: "", mean_value: [] }),
  });
}

function changed(spec: FeedSpec, { batchSize, onBadRecord, transform }: DataChoice): FeedSpec {
  if (spec.kind === "dummy") return spec;
  const sized = batchSize === undefined ? spec : { ...spec, batchSize };
  const strict = onBadRecord === undefined ? sized : { ...sized, onBadRecord };
  if (transform === undefined) return strict;
  const { noMean: _, ...changes } = transform;
  return { ...strict, transform: { ...spec.transform, ...changes } };
}
