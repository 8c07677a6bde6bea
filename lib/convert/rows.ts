import type { Feed } from "../data/feed/feed.js";
import { sourceFeedSpec } from "../data/feed/layer.js";
import { openLocalFeed } from "../data/feed/open-feed.js";
import { detectSource } from "../data/source/detect.js";
import { openSource, type SourceSpec } from "../data/source/open.js";
import type { DataSource, Field } from "../data/source/source.js";
import type { Tensor } from "../data/tensor.js";
import { NetrunError } from "../error.js";
import { count, sameShape } from "../graph/index.js";
import { type Preprocessing, preprocess } from "./preprocess.js";

/** Inputs to run a net and its written file on. */
export interface VerificationBatch {
  /** As the written file takes them: with preprocessing in the graph, before it. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Number of rows that count: data starts over inside its last batch. */
  readonly rows: number;
  /** The rows' classes, where the data says them. */
  readonly labels?: Float32Array | undefined;
}

/** Rows of a data set to read, for which net. */
export interface RowsOptions {
  /** A path of any kind that netrun knows, or the name of an embedded data set. */
  readonly data: string;
  /** Shapes of the net's inputs by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Inputs that something depends on: others may stay without data. */
  readonly needed: ReadonlySet<string>;
  /** True if the batch size is the one of `shapes`. */
  readonly fixedBatch: boolean;
  /** True if images may have any height and width. */
  readonly openSize: boolean;
  /** The most batches to read. */
  readonly batches: number;
  /** The most rows of a batch where it is open. Default 16. */
  readonly rows?: number;
  readonly preprocessing: Preprocessing | undefined;
  /** True if the written file preprocesses images itself. */
  readonly inGraph: boolean;
  /** Side of the centre crop; 0 for what the data needs. */
  readonly cropSize: number;
}

/** Rows of a batch where its size is open: enough for speed, few enough for the memory that large images need. */
const BATCH_ROWS = 16;

/** The field with the classes, as data sets with classes call it. */
const LABEL = "label";

/**
 * Batches of a data set as a net takes them, each row at most once: all of the data, or else batches from all over it, since many data
 * sets are sorted by class. Fields go to inputs of their names, else in order. Images are cropped in the centre or, where they
 * are encoded and nothing says how large the crop is, resized to the input's size; then comes the net's preprocessing.
 * Throws NetrunError where the data is missing or does not fit the net's inputs.
 */
export async function* dataBatches(options: RowsOptions): AsyncGenerator<VerificationBatch> {
  const { data, shapes, needed, batches, rows = BATCH_ROWS } = options;
  const spec = detectSource(data);
  const { tops, fields, length } = await describe(spec, [...shapes.keys()], needed);
  const size = options.fixedBatch ? (shapes.get(tops[0]!)![0] ?? 1) : Math.min(length, rows);
  await using feed = await fittingFeed(spec, tops, size, fields, options);
  const isWhole = size * batches >= length;
  for (let i = 0; i < (isWhole ? Math.ceil(length / size) : batches); i++) {
    const start = isWhole ? i * size : Math.floor((i * length) / batches);
    if (feed.position !== start) await feed.seek(start);
    const { [LABEL]: labels, ...inputs } = await feed.next();
    const own = shapes.has(LABEL) && labels ? { ...inputs, [LABEL]: labels } : inputs;
    yield {
      inputs: Object.fromEntries(Object.entries(own).map(([name, tensor]) => [name, asInput(name, tensor, options)])),
      rows: Math.min(size, length - start),
      labels: labels?.data.length === size ? labels.data : undefined,
    };
  }
}

interface Described {
  /** The inputs that get a field, and the label. */
  readonly tops: readonly string[];
  readonly fields: DataSource["fields"];
  readonly length: number;
}

/** The blobs to feed from a source: the net's inputs as far as it has fields for them, and its label. */
async function describe(spec: SourceSpec, inputs: readonly string[], needed: ReadonlySet<string>): Promise<Described> {
  await using source = await openSource(spec);
  const { fields, length } = source;
  const names = Object.keys(fields);
  // Inputs that nothing depends on (a label that only a loss takes) are fed where the data has them.
  const fed = inputs.filter((name) => needed.has(name) || name in fields);
  const isNamed = fed.every((name) => name in fields);
  const hasLabel = LABEL in fields && !fed.includes(LABEL) && (isNamed || names[fed.length] === LABEL);
  return { tops: hasLabel ? [...fed, LABEL] : fed, fields, length };
}

/** A feed whose rows have the inputs' shapes, as far as cropping and resizing make that possible. */
async function fittingFeed(
  spec: SourceSpec,
  tops: readonly string[],
  size: number,
  fields: DataSource["fields"],
  { shapes, openSize, cropSize, data }: RowsOptions,
): Promise<Feed> {
  const [first] = tops as [string];
  const wanted = shapes.get(first)!.slice(1);
  const [channels, height, width] = wanted as [number, number, number];
  const isImage = wanted.length === 3;
  const colour = isImage && channels === 1 ? "gray" : isImage && channels === 3 ? "color" : "unchanged";
  const open = (crop: number, resize: boolean) => {
    const feed = sourceFeedSpec(spec, tops, size, { phase: "TEST", seed: 1, transform: { cropSize: crop } });
    const images = { colour, ...(resize && { size: { height, width } }) } as const;
    return openLocalFeed({ ...feed, images } as typeof feed, 1);
  };
  const isEncoded = fieldOf(fields, tops).dtype === "image";
  const feed = await open(cropSize, isEncoded && cropSize === 0 && !openSize && isImage);
  const row = feed.shapes[first]!.slice(1);
  const problem = tops.find((top) => shapes.has(top) && !fits(feed.shapes[top]!, shapes.get(top)!, openSize));
  if (problem === undefined) return feed;
  const given = feed.shapes[problem]!.slice(1);
  await feed[Symbol.asyncDispose]();
  const isLarger = row.length === 3 && row[0] === channels && row[1]! >= height && row[2]! >= width;
  if (cropSize === 0 && isImage && height === width && isLarger) return open(height, false);
  throw new NetrunError(`rows of the data are [${given}], the net's input "${problem}" is [${shapes.get(problem)}]`, {
    file: data,
    notes: ["--crop-size cuts larger images, --height and --width change the input"],
  });
}

const fieldOf = (fields: DataSource["fields"], tops: readonly string[]): Field =>
  (tops.every((top) => top in fields) ? fields[tops[0]!] : Object.values(fields)[0])!;

/** Tests whether rows can be an input's: the same dims, or as many values where that is not an image. */
function fits(rows: readonly number[], input: readonly number[], openSize: boolean): boolean {
  const [row, wanted] = [rows.slice(1), input.slice(1)];
  if (openSize && row.length === 3 && wanted.length === 3) return row[0] === wanted[0];
  return sameShape(row, wanted) || (row.length < 3 && count(row) === count(wanted));
}

function asInput(name: string, { shape, data }: Tensor, { shapes, preprocessing, inGraph, openSize }: RowsOptions) {
  const own = shapes.get(name)!;
  const tensor = { shape: openSize && shape.length === 4 ? shape : [shape[0]!, ...own.slice(1)], data };
  return preprocessing?.input === name && !inGraph ? preprocess(tensor, preprocessing) : tensor;
}
