import { parentPort, workerData } from "node:worker_threads";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors as others } from "hyparquet-compressors";

/** Rows from `start` to before `end`; all columns where none are named. */
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

parentPort!.on("message", async ({ start, end, columns }: ParquetRequest) => {
  try {
    const options = { ...(await opened), rowStart: start, rowEnd: end, ...(columns && { columns }) };
    answer({ kind: "rows", rows: await parquetReadObjects(options) });
  } catch (reason) {
    fail(reason);
  }
});
