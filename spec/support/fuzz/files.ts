import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, encode } from "../../../lib/caffe/message.js";
import { columnsOf } from "../../../lib/data/source/columns.js";
import { openSource, type SourceSpec } from "../../../lib/data/source/open.js";
import { WHOLE } from "../../../lib/data/source/source.js";

/** Writes a file into a folder; its path. */
export function put(folder: string, name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Reads all rows of a source. */
export async function readRows(spec: SourceSpec): Promise<void> {
  await using source = await openSource(spec);
  for await (const batch of source.batches(WHOLE)) columnsOf(batch);
}

/** A reader of sources whose file has a name. */
export const asSource =
  (folder: string, name: string, spec: (path: string) => SourceSpec) =>
  (bytes: Uint8Array): Promise<void> =>
    readRows(spec(put(folder, name, bytes)));

/** A Datum of 1 x 2 x 3 bytes. */
export const datum = (label: number): Uint8Array =>
  encode(create("Datum", { channels: 1, height: 2, width: 3, data: new Uint8Array(6), label }));

/** The key of a record by its number, in order. */
export const key = (i: number): string => String(i).padStart(4, "0");
