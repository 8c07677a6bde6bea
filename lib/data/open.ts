import { arrowSource } from "./arrow/source.js";
import { type DigitPart, digitsSource } from "./digits/source.js";
import { idxSource } from "./idx.js";
import { lmdbSource } from "./lmdb/source.js";
import type { DataSource } from "./source.js";

/** Which source to open; plain data, so that a worker can open it. Paths are resolved already. */
export type SourceSpec =
  | { readonly kind: "arrow"; readonly path: string }
  | { readonly kind: "digits"; readonly part: DigitPart }
  | { readonly kind: "idx"; readonly images: string; readonly labels: string }
  | { readonly kind: "lmdb"; readonly path: string };

const OPENERS = {
  arrow: (spec) => arrowSource(spec.path),
  digits: (spec) => digitsSource(spec.part),
  idx: (spec) => idxSource(spec.images, spec.labels),
  lmdb: (spec) => lmdbSource(spec.path),
} as const satisfies { [K in SourceSpec["kind"]]: (spec: Extract<SourceSpec, { kind: K }>) => Promise<DataSource> };

/** Opens a source; throws a NetrunError that names the file where it cannot. */
export function openSource(spec: SourceSpec): Promise<DataSource> {
  const open = OPENERS[spec.kind] as (spec: SourceSpec) => Promise<DataSource>;
  return open(spec);
}
