import type { RecordBatch } from "apache-arrow";
import { readingFailed, refuseSpecial } from "../../file.js";
import { Lifetime } from "../../lifetime.js";
import { type Fold, foldedSource } from "../shuffle/folded.js";
import { shuffledSource } from "../shuffle/shuffled.js";
import type { CifarSpec } from "./cifar.js";
import { notesOf } from "./columns.js";
import type { DigitPart } from "./digits/source.js";
import { failureError, knownFailure } from "./failures.js";
import type { Hdf5Spec } from "./hdf5.js";
import type { AnnotationListSpec } from "./images/annotations.js";
import type { ImageListSpec } from "./images/source.js";
import type { PreparedSpec } from "./prepared/source.js";
import type { ShapePart } from "./shapes/source.js";
import { type DataSource, shardRange } from "./source.js";
import type { FrameSpec } from "./spark.js";
import type { CsvSpec } from "./table/csv.js";
import type { ParquetSpec } from "./table/parquet.js";
import type { TextSpec } from "./table/text.js";

/** A source's kind and what it takes. */
type KindSpec =
  | ({ readonly kind: "annotations" } & AnnotationListSpec)
  | { readonly kind: "arrow"; readonly path: string; readonly missing?: number | undefined }
  | ({ readonly kind: "cifar" } & CifarSpec)
  | ({ readonly kind: "csv" } & CsvSpec)
  | { readonly kind: "digits"; readonly part: DigitPart }
  | { readonly kind: "folder"; readonly path: string }
  | ({ readonly kind: "hdf5" } & Hdf5Spec)
  | { readonly kind: "idx"; readonly images: string; readonly labels: string }
  | ({ readonly kind: "images" } & ImageListSpec)
  | { readonly kind: "leveldb"; readonly path: string }
  | { readonly kind: "lmdb"; readonly path: string }
  | ({ readonly kind: "parquet" } & ParquetSpec)
  | ({ readonly kind: "prepared" } & PreparedSpec)
  | { readonly kind: "rows"; readonly path: string; readonly whose?: string }
  | { readonly kind: "shapes"; readonly part: ShapePart }
  | ({ readonly kind: "spark" } & FrameSpec)
  | ({ readonly kind: "text" } & TextSpec);

/** Source to open; plain data, so that a worker can open it. Paths are resolved already. */
export type SourceSpec = KindSpec & {
  /** The seed of an order of the rows that is another one in each epoch; without it they come as they lie. */
  readonly shuffle?: number | undefined;
  /** Part of the rows, for cross-validation. */
  readonly fold?: Fold | undefined;
};

/** Each kind loads its library only when it is wanted: some are native or a megabyte of WebAssembly. */
const OPENERS = {
  annotations: async (spec) => (await import("./images/annotations.js")).annotationListSource(spec),
  arrow: async (spec) => (await import("./arrow/source.js")).arrowSource(spec.path, spec.missing),
  cifar: async (spec) => (await import("./cifar.js")).cifarSource(spec),
  csv: async (spec) => (await import("./table/csv.js")).csvSource(spec),
  digits: async (spec) => (await import("./digits/source.js")).digitsSource(spec.part),
  folder: async (spec) => (await import("./images/source.js")).imageFolderSource(spec.path, spec.shuffle),
  hdf5: async (spec) => (await import("./hdf5.js")).hdf5Source(spec),
  idx: async (spec) => (await import("./idx.js")).idxSource(spec.images, spec.labels),
  images: async (spec) => (await import("./images/source.js")).imageListSource(spec),
  leveldb: async (spec) => (await import("./leveldb/source.js")).leveldbSource(spec.path),
  lmdb: async (spec) => (await import("./lmdb/source.js")).lmdbSource(spec.path),
  parquet: async (spec) => (await import("./table/parquet.js")).parquetSource(spec),
  prepared: async (spec) => (await import("./prepared/source.js")).preparedSource(spec),
  rows: async (spec) =>
    (await import("./table/spool.js")).spooledSource(spec.path, (row) => `${spec.whose ?? ""}row ${row}`),
  shapes: async (spec) => (await import("./shapes/source.js")).shapesSource(spec.part),
  spark: async (spec) => (await import("./spark.js")).frameSource(spec),
  text: async (spec) => (await import("./table/text.js")).textSource(spec),
} as const satisfies { [K in SourceSpec["kind"]]: (spec: Extract<SourceSpec, { kind: K }>) => Promise<DataSource> };

/** Image files are read one by one anyway, so that their sources shuffle themselves, as evenly as can be. */
const SHUFFLES_ITSELF: readonly SourceSpec["kind"][] = ["annotations", "folder", "images"];

/** Opens a source whose record batches may have rows that are noted as failed; throws a NetrunError that names the file where it cannot. */
export async function openRecords(spec: SourceSpec): Promise<DataSource> {
  const open = OPENERS[spec.kind] as (spec: SourceSpec) => Promise<DataSource>;
  for (const path of pathsOf(spec)) refuseSpecial(path);
  const { fold } = spec;
  // Folds are of rows in the order in which they lie.
  const lying: SourceSpec = fold ? { ...spec, shuffle: undefined } : spec;
  const whole = await open(lying).catch((cause: unknown) => {
    throw readingFailed("path" in spec ? spec.path : spec.kind, cause);
  });
  let source = whole;
  try {
    if (fold) source = foldedSource(whole, fold);
    if (spec.shuffle === undefined || (SHUFFLES_ITSELF.includes(spec.kind) && !fold)) return withEnd(source);
    return withEnd(await shuffledSource(source, spec.shuffle));
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

/** A source that is closed once, and refuses what is asked of it then: the number of a closed file may be another file's. */
function withEnd(source: DataSource): DataSource {
  const life = new Lifetime("data source");
  return {
    ...source,
    async *batches(...from) {
      life.check();
      for await (const batch of source.batches(...from)) {
        yield batch;
        life.check();
      }
    },
    locate(...row) {
      life.check();
      return source.locate(...row);
    },
    [Symbol.asyncDispose]: () => life.end(async () => source[Symbol.asyncDispose]()),
  };
}

/** The files and folders that a source is. */
function pathsOf(spec: SourceSpec): readonly string[] {
  if ("path" in spec) return [spec.path];
  if ("files" in spec) return spec.files;
  if ("images" in spec) return [spec.images, spec.labels];
  return "list" in spec ? [spec.list] : [];
}

/**
 * Opens a source of sound rows: one that cannot be used is a NetrunError with its place, at once where that is known, else when it
 * is reached. Throws a NetrunError that names the file where it cannot be opened.
 */
export async function openSource(spec: SourceSpec): Promise<DataSource> {
  const source = await openRecords(spec);
  const strict: DataSource = {
    ...source,
    batches: (shard, from = 0, epoch = 0) =>
      checked(source, source.batches(shard, from, epoch), shardRange(shard, source.length).start + from, epoch),
  };
  if (!source.failures) return strict;
  await source[Symbol.asyncDispose]();
  throw knownFailure(source.failures);
}

async function* checked(
  source: DataSource,
  batches: AsyncIterable<RecordBatch>,
  start: number,
  epoch: number,
): AsyncGenerator<RecordBatch> {
  let first = start;
  for await (const batch of batches) {
    for (const [row, why] of notesOf(batch).failures)
      throw failureError(`${await source.locate(first + row, epoch)}: ${why}`);
    yield batch;
    first += batch.numRows;
  }
}
