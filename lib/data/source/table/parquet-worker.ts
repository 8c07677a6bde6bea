import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors as others } from "hyparquet-compressors";
import { checkAlloc, maxAlloc } from "../../../budget.js";
import { serveIsolated } from "../../../isolated-child.js";

/** Opens a file for the rows of each row group. */
export interface ParquetOpening {
  readonly file: string;
}

/** Rows from `start` to before `end`, of one row group of the file that was opened; all columns where none are named. */
export interface ParquetRequest {
  readonly start: number;
  readonly end: number;
  readonly columns: string[] | undefined;
}

type Decompress = (input: Uint8Array, outputLength: number) => Uint8Array;

/** Those that come with Node are faster. */
const methods: Readonly<Record<string, Decompress>> = {
  ...(others as Readonly<Record<string, Decompress>>),
  GZIP: (input) => gunzipSync(input, { maxOutputLength: maxAlloc() }),
  BROTLI: (input) => brotliDecompressSync(input, { maxOutputLength: maxAlloc() }),
};

/** The same, for pages that declare no more than may be allocated. */
const compressors = Object.fromEntries(
  Object.entries(methods).map(([name, decompress]): [string, Decompress] => [
    name,
    (input, outputLength) => {
      checkAlloc(outputLength, "a page");
      return decompress(input, outputLength);
    },
  ]),
);

async function open(path: string) {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  return { file, metadata, compressors, utf8: false };
}

let opened: ReturnType<typeof open> | undefined;

/** The rows of each row group. */
async function groups({ file }: ParquetOpening): Promise<readonly number[]> {
  kept = undefined;
  opened = open(file);
  const { metadata } = await opened;
  for (const { num_rows, columns } of metadata.row_groups)
    checkAlloc(8 * Number(num_rows) * columns.length, `a row group of ${num_rows} rows`);
  return metadata.row_groups.map(({ num_rows }) => Number(num_rows));
}

type Rows = readonly Record<string, unknown>[];

/** The row group that was read last: lists can only be read by the whole group, and are asked for in pieces. */
let kept: { readonly key: string; readonly first: number; readonly rows: Rows } | undefined;

async function read({ start, end, columns }: ParquetRequest): Promise<Rows> {
  const options = await opened!;
  const sizes = options.metadata.row_groups.map(({ num_rows }) => Number(num_rows));
  let [group, first] = [0, 0];
  while (group + 1 < sizes.length && first + sizes[group]! <= start) first += sizes[group++]!;
  const key = JSON.stringify([first, columns]);
  if (kept?.key !== key) {
    kept = undefined;
    const range = { rowStart: first, rowEnd: first + sizes[group]! };
    const rows = await parquetReadObjects({ ...options, ...range, ...(columns && { columns }) });
    kept = { key, first, rows: rows.map(compact) };
  }
  return kept.rows.slice(start - kept.first, end - kept.first);
}

/** A row whose lists of numbers are typed arrays, which take half the memory and are cheap to send. */
function compact(row: Record<string, unknown>): Record<string, unknown> {
  for (const [name, cell] of Object.entries(row))
    if (Array.isArray(cell) && cell.every((each) => typeof each === "number")) row[name] = Float32Array.from(cell);
  return row;
}

serveIsolated((request) => {
  const asked = request as ParquetOpening | ParquetRequest;
  return "file" in asked ? groups(asked) : read(asked);
});
