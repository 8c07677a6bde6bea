import type { FillerParameter } from "../../caffe/messages.js";
import type { LabelMaps } from "../../layers/index.js";
import type { LabelRanges } from "../../net/label-ranges.js";
import type { ImageDecoding } from "../image/image.js";
import type { SourceSpec } from "../source/open.js";
import type { Shard } from "../source/source.js";
import type { Tensor } from "../tensor.js";
import type { AnnotationSpec, RegionsSpec } from "./annotated/spec.js";
import type { ByteRows } from "./byte-rows.js";
import type { TransformSpec } from "./transform.js";

/** Common description of every feed, whatever its layer's type. */
interface FeedCommon {
  readonly batchSize: number;
  /** Batches that are prepared ahead; 4 unless said, as in Caffe, and fewer where they are large. */
  readonly prefetch?: number | undefined;
  /** The layer's tops, in order. */
  readonly tops: readonly string[];
  readonly phase: "TRAIN" | "TEST";
  /** Key of all that is random: crops, mirrors, orders. */
  readonly seed: number;
  readonly shard: Shard;
  /** True if a record that cannot be used ends the training or is counted and skipped. */
  readonly onBadRecord: "fail" | "skip";
}

/** Labels that are images. */
export interface MapsSpec {
  /** Their size before cropping; as they are where undefined. */
  readonly size: { readonly height: number; readonly width: number } | undefined;
  readonly values: LabelMaps["values"];
  /** The label of what pads an image that is smaller than the crop; such an image is an error where undefined. */
  readonly padding?: number | undefined;
}

/** Batches of a source's records; Data, ImageData, HDF5Data and plain data sets. */
export interface RecordsSpec extends FeedCommon {
  readonly kind: "records";
  readonly source: SourceSpec;
  /**
   * True if tops take the source's fields in order, as Caffe's Data layer does, by name, as HDF5Data does, or by name if
   * all tops are fields and else in order.
   */
  readonly match: "position" | "name" | "either";
  /** Decoding of encoded images. */
  readonly images: ImageDecoding;
  /** Applies to the first top. */
  readonly transform: TransformSpec;
  /** Further tops as images of labels: grey, cropped and mirrored as the first top is. */
  readonly maps?: MapsSpec | undefined;
  /** Joint augmentation of images and boxes; AnnotatedData. */
  readonly annotations?: AnnotationSpec | undefined;
  /** Preparation of images and regions; RoIDataLayer. */
  readonly regions?: RegionsSpec | undefined;
  /** Records skipped once at the very start (rand_skip). */
  readonly skip: number;
  /** The shape that rows of a top have to have in the end, where the net says. */
  readonly wanted?: Readonly<Record<string, readonly number[]>> | undefined;
  /** A note for errors: what the tops want that no data set with boxes has. */
  readonly unread?: string | undefined;
  /** Of so many batches one is made and the rest passed over: what one of several readers of the whole takes. Default 1. */
  readonly every?: number | undefined;
  /** The shape of rows of the first top that are given as the bytes that they are, for a device to transform. Default: none. */
  readonly asBytes?: readonly number[] | undefined;
  /** Records before the first batch that other readers of the whole take. Default 0. */
  readonly offset?: number | undefined;
}

/** Blobs that fillers fill, constant ones once and others anew for each batch; DummyData. */
export interface DummySpec extends FeedCommon {
  readonly kind: "dummy";
  /** In the order of the tops. */
  readonly blobs: readonly { readonly shape: readonly number[]; readonly filler: FillerParameter }[];
}

/** Batches of image windows, a share of them foreground; WindowData. */
export interface WindowsSpec extends FeedCommon {
  readonly kind: "windows";
  /** The window file. */
  readonly list: string;
  /** Put in front of image names as it is. */
  readonly root: string;
  /** The overlap from which a window is foreground, and below which it is background. */
  readonly foregroundAbove: number;
  readonly backgroundBelow: number;
  readonly foregroundShare: number;
  /** Pixels around the window, in the warped image. */
  readonly contextPad: number;
  /** True if windows are made square before they are warped. */
  readonly square: boolean;
  /** True if the files of all images are kept in memory. */
  readonly cacheImages: boolean;
  readonly transform: TransformSpec;
}

/** A data layer's stream of batches, described so that any thread or process can open it (structured-cloneable). */
export type FeedSpec = RecordsSpec | DummySpec | WindowsSpec;

/**
 * A data layer's endless stream of ready batches: source, decode, transform, batch. It wraps from the last record to the first
 * inside a batch, as Caffe does, and prepares a bounded number of batches ahead.
 */
export interface Feed extends AsyncDisposable {
  /** The shape of each top, batch first, by blob name; from the first record. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Records in the whole source. */
  readonly length: number;
  /** Records consumed since the start of training; absolute, never wraps, and enough to resume. */
  readonly position: number;
  /** Records skipped so far because they could not be used, and why the last of them; 0 unless the spec says skip. */
  readonly skipped: { readonly count: number; readonly last?: string | undefined };
  /**
   * Has rows of bytes come as they are, for a device to transform, from the first batch on: how they become values; undefined where rows
   * are no bytes. A batch whose rows have other sizes comes as values all the same. More are prepared ahead. Not once a batch was given.
   */
  sendBytes?(): ByteRows | undefined;
  /** From now on a record with a label outside of these ranges is a bad one. */
  restrict(ranges: LabelRanges): void;
  /**
   * Looks through the first records (a bounded amount of bytes; images are not decoded) for what can be known to be bad: labels
   * out of range, NaN, other shapes. Rejects with a NetrunError that names the record, unless bad ones are skipped.
   */
  check(): Promise<void>;
  /** The next batch by top name. Rejects with a NetrunError that names the record where one does not decode. */
  next(): Promise<Readonly<Record<string, Tensor>>>;
  /**
   * Hands back the arrays of a batch that nobody uses any more, to be filled again: fresh memory costs more than what is
   * written into it. Not to be called for arrays that anything else still refers to.
   */
  recycle(batch: Readonly<Record<string, Tensor>>): void;
  /** Continues from a position; what follows is what followed there the first time, random choices included. */
  seek(position: number): Promise<void>;
}
