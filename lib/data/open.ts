import type { DigitPart } from "./digits/source.js";
import type { Hdf5Spec } from "./hdf5.js";
import type { ImageListSpec } from "./images/source.js";
import type { DataSource } from "./source.js";
import type { CsvSpec } from "./table/csv.js";
import type { TextSpec } from "./table/text.js";

/** Which source to open; plain data, so that a worker can open it. Paths are resolved already. */
export type SourceSpec =
  | { readonly kind: "arrow"; readonly path: string }
  | { readonly kind: "cifar"; readonly files: readonly string[] }
  | ({ readonly kind: "csv" } & CsvSpec)
  | { readonly kind: "digits"; readonly part: DigitPart }
  | { readonly kind: "folder"; readonly path: string; readonly shuffle?: number | undefined }
  | ({ readonly kind: "hdf5" } & Hdf5Spec)
  | { readonly kind: "idx"; readonly images: string; readonly labels: string }
  | ({ readonly kind: "images" } & ImageListSpec)
  | { readonly kind: "leveldb"; readonly path: string }
  | { readonly kind: "lmdb"; readonly path: string }
  | { readonly kind: "parquet"; readonly path: string }
  | ({ readonly kind: "text" } & TextSpec);

/** Each kind loads its library only when it is wanted: some are native or a megabyte of WebAssembly. */
const OPENERS = {
  arrow: async (spec) => (await import("./arrow/source.js")).arrowSource(spec.path),
  cifar: async (spec) => (await import("./cifar.js")).cifarSource(spec.files),
  csv: async (spec) => (await import("./table/csv.js")).csvSource(spec),
  digits: async (spec) => (await import("./digits/source.js")).digitsSource(spec.part),
  folder: async (spec) => (await import("./images/source.js")).imageFolderSource(spec.path, spec.shuffle),
  hdf5: async (spec) => (await import("./hdf5.js")).hdf5Source(spec),
  idx: async (spec) => (await import("./idx.js")).idxSource(spec.images, spec.labels),
  images: async (spec) => (await import("./images/source.js")).imageListSource(spec),
  leveldb: async (spec) => (await import("./leveldb/source.js")).leveldbSource(spec.path),
  lmdb: async (spec) => (await import("./lmdb/source.js")).lmdbSource(spec.path),
  parquet: async (spec) => (await import("./table/parquet.js")).parquetSource(spec.path),
  text: async (spec) => (await import("./table/text.js")).textSource(spec),
} as const satisfies { [K in SourceSpec["kind"]]: (spec: Extract<SourceSpec, { kind: K }>) => Promise<DataSource> };

/** Opens a source; throws a NetrunError that names the file where it cannot. */
export function openSource(spec: SourceSpec): Promise<DataSource> {
  const open = OPENERS[spec.kind] as (spec: SourceSpec) => Promise<DataSource>;
  return open(spec);
}
