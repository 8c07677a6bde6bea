import { has, type Message } from "../caffe/message.js";
import type { FillerParameter, LayerParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { count, type Value } from "../graph/index.js";
import type { DataFacts, LayerFacts } from "./facts.js";

/** Caffe's two phases. */
export type PhaseName = "TRAIN" | "TEST";

/** Number of bottoms or tops a layer takes: exactly n, or a range. */
export type Count = number | readonly [min: number, max: number];

/** The fields of LayerParameter that hold one layer type's own parameters. */
export type ParamField = {
  [F in keyof LayerParameter]: null extends LayerParameter[F] ? F : never;
}[keyof LayerParameter] &
  `${string}_param`;

/** The same, and those that are given several times. */
export type ParamsField = Extract<keyof LayerParameter, `${string}_param`>;

/** A layer type's own parameters: that field of LayerParameter, all defaults filled in where it is absent. */
export type ParamOf<F extends ParamField | null> = F extends ParamField ? NonNullable<LayerParameter[F]> : null;

/** One of a layer's learnable blobs, in caffemodel order. */
export interface BlobSpec {
  readonly shape: readonly number[];
  readonly filler: FillerParameter;
  /** Not trained but kept, as BatchNorm's running blobs: no gradient, and `lower` says how forward changes it. */
  readonly state?: boolean;
  /** The axis whose slices are the weights into a unit each, for `max_norm`; 0 unless said, null where no axis is that. */
  readonly unitAxis?: number | null;
  /** Of weighted sums: the index of the layer's blob that has the sum of the weights. The statistic is their quotient. */
  readonly divisor?: number;
}

/** A layer's view of its place in a net while its blobs are declared. */
export interface Place<P> {
  readonly layer: LayerParameter;
  readonly param: P;
  readonly phase: PhaseName;
  readonly bottoms: readonly Value[];
  readonly topCount: number;
  /**
   * An error at a field of the layer, or of its own parameters (`kernel_size`), or at the layer itself.
   * The message is prefixed with the layer's name.
   */
  error(message: string, field?: string, notes?: readonly string[]): NetrunError;
  /** The same for one of the bottoms. */
  bottomError(index: number, message: string, notes?: readonly string[]): NetrunError;
}

/** A layer's view of its place in a net while it is lowered. */
export interface Site<P> extends Place<P> {
  /** The layer's blobs as values, in the order of its BlobSpecs. */
  readonly blobs: readonly Value[];
  /** True if Caffe's gradients are wanted where its reuse of memory makes them other than the formula's: of Clip in place. */
  readonly caffeQuirks: boolean;
  /** Uniform random numbers in [0, 1) of a shape, drawn anew for every forward from the seeded generator. */
  random(shape: readonly number[]): Value;
  /**
   * A size that only the data tells: the value of a float32 scalar, computed before the rest of the net is built; `most` where
   * there is no data yet. Filter's output is the one of Caffe's shapes that depends on data.
   */
  size(scalar: Value, most: number): number;
  /** Tests whether only layers read a top that skip rows of item -1: there may be more such rows then than the layer would give. */
  skipsEmptyRows(top: number): boolean;
  /**
   * Numbers that go on from one forward to the next without being parameters: zeros before the first. `lower` gives, in `state`,
   * what the next forward starts with.
   */
  carry(shape: readonly number[]): Value;
  /** True if files that layers name are read: not where a net is inspected or converted. */
  readonly reads: boolean;
  /** The blob in one of the files that `sources` names; `field` has the path. */
  source(path: string, field?: string): SourceBlob;
}

/**
 * A file that a layer names: a BlobProto, lines of names, heights and widths, which become a blob of sizes [lines, 2], or a label map,
 * which becomes a blob of labels [classes].
 */
export interface SourceFile {
  readonly path: string;
  readonly as: "blob" | "sizes" | "labels";
}

/** A blob read from a file that a layer names. */
export interface SourceBlob {
  readonly shape: readonly number[];
  readonly data: Float32Array;
  /** Names of its rows, where the file has them. */
  readonly names?: readonly string[] | undefined;
}

/** Result of lowering a layer: one value a top, and new values for its state blobs and for what it carries on. */
export interface Lowered {
  readonly tops: readonly Value[];
  readonly state?: ReadonlyMap<Value, Value>;
  /** Output of each forward to a file. */
  readonly file?: FileOutput;
}

/** An HDF5 file that forwards write to: rows of data sets, by name; or files of the detections in a data set "rows". */
export interface FileOutput {
  readonly path: string;
  readonly sets: Readonly<Record<string, Value>>;
  readonly detections?: DetectionsOutput | undefined;
}

/** Height and width in pixels. */
export interface PixelSize {
  readonly height: number;
  readonly width: number;
}

/** Files of detections, one set of them for each pass over a list of images. */
export interface DetectionsOutput {
  /** Images of each forward. */
  readonly items: number;
  readonly folder: string;
  readonly prefix: string;
  readonly format: "VOC" | "COCO" | "ILSVRC";
  /** Names of the classes but for the background. */
  readonly names: ReadonlyMap<number, string>;
  readonly images: readonly (PixelSize & { readonly name: string })[];
  /** Images of the list that make a pass. */
  readonly total: number;
  /** Boxes are parts of a padded image of a size, or of a size in place of the image's. */
  readonly resize?: (PixelSize & { readonly by: "pads" | "scale" }) | undefined;
}

interface Common<F extends ParamField | null> extends LayerFacts {
  /** Caffe's name of the type. */
  readonly type: string;
  /** The field of LayerParameter with its own parameters. */
  readonly param: F;
  /** Further fields that it reads, such as loss_param. */
  readonly also?: readonly ParamsField[];
  readonly bottoms: Count;
  readonly tops: Count;
  /** A top for each bottom. */
  readonly topPerBottom?: boolean;
}

/** A layer type that computes: its parameters plus a lowering into ops. No layer has a backward of its own. */
export interface ComputeLayer<F extends ParamField | null = ParamField | null> extends Common<F> {
  /** Bottoms that have no gradient, from the end if negative: labels, indices. Caffe refuses to train what lies under them. */
  readonly noGradientTo?: readonly number[];
  /** A layer of a fork that has no gradient here: it runs and converts, and does not train. */
  readonly inferenceOnly?: boolean;
  /** Files that the layer needs to be lowered; a path alone is a BlobProto's. */
  sources?(layer: LayerParameter): readonly (string | SourceFile)[];
  blobs?(place: Place<ParamOf<F>>): readonly BlobSpec[];
  lower(site: Site<ParamOf<F>>): Lowered;
  /**
   * Its tops in a net that only infers, from ops that ONNX has and that have no gradient, which are shorter and faster than those
   * of `lower`; undefined: those of `lower`. A converted file is verified against `lower`.
   */
  lowerForInference?(site: Site<ParamOf<F>>, options: InferenceOptions): readonly Value[] | undefined;
}

/** Limits of a lowering for inference. */
export interface InferenceOptions {
  /** True if height and width of images are open, so that nothing may depend on the size at hand. */
  readonly openSpatial: boolean;
}

/** Place of a plugin's data layer when its rows are read. */
export interface RowsPlace {
  readonly layer: LayerParameter;
  readonly phase: PhaseName;
  readonly seed: number;
  /** Path of a file named by the layer: in the working directory, or beside the prototxt. Throws NetrunError, located. */
  path(name: string): string;
}

/** Treatment of encoded images among the rows of a plugin. */
export interface PluginImages {
  /** All are resized to it. */
  readonly size?: readonly [height: number, width: number] | undefined;
  /** Subtracted from blue, green and red, or from all. */
  readonly mean?: readonly number[] | undefined;
  /** Factor on pixels minus the mean. */
  readonly scale?: number | undefined;
  /** True if each is mirrored or not at random. */
  readonly mirror?: boolean | undefined;
}

/** Rows of a data set: objects with a value for each top by name, or else in order. */
export type PluginRows = AsyncIterable<Readonly<Record<string, unknown>>> | Iterable<Readonly<Record<string, unknown>>>;

/** A layer type that brings data in: its tops are inputs of the graph. */
export interface DataLayer<F extends ParamField | null = ParamField | null> extends Common<F> {
  readonly data: DataFacts;
  /** The rows that a plugin gives, which end. */
  rows?(source: RowsPlace): PluginRows;
  /** Treatment of encoded images among them for the first top. */
  images?(layer: LayerParameter): PluginImages;
  /** Shapes of its tops as far as its parameters tell them; undefined where only the data itself does. */
  shapes(place: Place<ParamOf<F>>): readonly (readonly number[])[] | undefined;
}

export type LayerType<F extends ParamField | null = ParamField | null> = ComputeLayer<F> | DataLayer<F>;

export const isDataLayer = (layer: LayerType): layer is DataLayer => "shapes" in layer;

/** Types a layer definition by its parameter field. */
export const computeLayer = <F extends ParamField | null>(layer: ComputeLayer<F>): ComputeLayer =>
  layer as ComputeLayer;
/** Types a data layer definition by its parameter field. */
export const dataLayer = <F extends ParamField | null>(layer: DataLayer<F>): DataLayer => layer as DataLayer;

/** Tests whether a number of bottoms or tops is allowed. */
export function allows(count: Count, n: number): boolean {
  return typeof count === "number" ? n === count : n >= count[0] && n <= count[1];
}

/** A count in words: "2", "1 or 2", "1 to 3", "at least 1", "any". */
export function numberText(count: Count): string {
  const [min, max] = typeof count === "number" ? [count, count] : count;
  if (min === max) return String(min);
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? "any" : `at least ${min}`;
  return max === min + 1 ? `${min} or ${max}` : `${min} to ${max}`;
}

/** A count of things in words: "2 tops", "at least 1 bottom". */
export function countText(count: Count, what: string): string {
  const [min, max] = typeof count === "number" ? [count, count] : count;
  const one = max === 1 || (min === 1 && max === Number.POSITIVE_INFINITY);
  return `${numberText(count)} ${one ? what : `${what}s`}`;
}

/** Throws for a top of the same name as its bottom, where a layer type cannot work in place. */
export function forbidInPlace({ layer, error }: Place<unknown>): void {
  const i = layer.bottom.findIndex((name, index) => layer.top[index] === name);
  if (i < 0) return;
  throw error(`${layer.type} layers do not work in place: "${layer.top[i]}" is both bottom and top`, "top", [
    "give the top a name of its own",
  ]);
}

/** An axis as Caffe writes it, where negative numbers count from the end. Throws the site's error where there is none. */
export function canonicalAxis(place: Place<unknown>, axis: number, rank: number, field = "axis"): number {
  if (axis < -rank || axis >= rank) {
    throw place.error(`${field} ${axis} is out of range for a blob of ${rank} axes`, field, [
      rank === 0 ? "the bottom is a scalar" : `axes here go from ${-rank} to ${rank - 1}`,
    ]);
  }
  return axis < 0 ? axis + rank : axis;
}

/** An error that says of a sound net that netrun does not have something in it: inspecting goes on after it. */
export function unsupported({ message, ...detail }: NetrunError): NetrunError {
  return new NetrunError(message, { ...detail, unsupported: true });
}

/** A bottom as errors speak of it: its name and shape. */
export const bottomText = ({ layer, bottoms }: Place<unknown>, index: number): string =>
  `bottom "${layer.bottom[index]}" [${bottoms[index]!.type.shape}]`;

/**
 * The shape of a bottom as [num, channels, height, width], ones where it has fewer axes: how the older of Caffe's layers see it.
 * Throws if it has more than four.
 */
export function legacyShape(place: Place<unknown>, bottom: number): readonly [number, number, number, number] {
  const { shape } = place.bottoms[bottom]!.type;
  if (shape.length > 4) throw place.bottomError(bottom, `${bottomText(place, bottom)} has more than 4 axes`);
  return [...shape, ...Array<number>(4 - shape.length).fill(1)] as unknown as [number, number, number, number];
}

/** Largest size of Caffe's blobs: it counts in an int. */
const MAX_COUNT = 2 ** 31 - 1;

/** Axes of a blob at most, as in Caffe (kMaxBlobAxes). */
const MAX_AXES = 32;

/** Reason why no blob can have a shape, as damaged and hostile files ask for; to be asked before anything is allocated. */
export function shapeFault(shape: readonly number[]): string | undefined {
  if (shape.length > MAX_AXES) return `more than the ${MAX_AXES} axes that a blob can have`;
  if (shape.some((dim) => dim < 0)) return "with a negative dimension";
  // A dim of 0 makes the others count for nothing, but not any size is a size.
  return count(shape) > MAX_COUNT || shape.some((dim) => dim > MAX_COUNT)
    ? `more than the ${MAX_COUNT} values that a blob can have`
    : undefined;
}

/** Height and width by fields of their own; undefined without these. Throws where one of the two is missing. */
export function heightAndWidth<P extends Message>(
  { param, error }: Pick<Place<P>, "param" | "error">,
  ofH: keyof P & string,
  ofW: keyof P & string,
): readonly [number, number] | undefined {
  const given = [ofH, ofW].filter((field) => has(param, field));
  if (given.length === 1) throw error(`${ofH} and ${ofW} go together`, given[0]);
  return given.length === 2 ? [Number(param[ofH]), Number(param[ofW])] : undefined;
}
