import { parentPort, workerData } from "node:worker_threads";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors as others } from "hyparquet-compressors";

/** Rows from `start` to before `end`, of one row group; all columns where none are named. */
export interface ParquetRequest {
  readonly start: number;
  readonly end: number;
  readonly columns: string[] | undefined;
}

/** The rows of each row group, once at the start; then, for each request in order, its rows. Or why not. */
export type ParquetReply =
  | { readonly kind: "groups"; readonly groups: readonly number[] }
  | { readonly kind: "rows"; readonly rows: readonly Record<string, unknown>[] }
  | { readonly kind: "failure"; readonly reason: string };

/** Those that come with Node are faster. */
const compressors = {
  ...others,
  GZIP: (input: Uint8Array) => gunzipSync(input),
  BROTLI: (input: Uint8Array) => brotliDecompressSync(input),
};

const answer = (reply: ParquetReply) => parentPort!.postMessage(reply);
const fail = (reason: unknown) => answer({ kind: "failure", reason: String(reason) });

async function open() {
  const file = await asyncBufferFromFile(workerData as string);
  const metadata = await parquetMetadataAsync(file);
  answer({ kind: "groups", groups: metadata.row_groups.map(({ num_rows }) => Number(num_rows)) });
  return { file, metadata, compressors, utf8: false };
}

const opened = open();
opened.catch(fail);

type Rows = readonly Record<string, unknown>[];

/** The row group that was read last: lists can only be read by the whole group, and are asked for in pieces. */
let kept: { readonly key: string; readonly first: number; readonly rows: Rows } | undefined;

async function read({ start, end, columns }: ParquetRequest): Promise<Rows> {
  const options = await opened;
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

parentPort!.on("message", async (request: ParquetRequest) => {
  try {
    answer({ kind: "rows", rows: await read(request) });
  } catch (reason) {
    fail(reason);
  }
});
