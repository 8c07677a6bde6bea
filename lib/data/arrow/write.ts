import { closeSync, openSync, writeSync } from "node:fs";
import { type RecordBatch, RecordBatchFileWriter } from "apache-arrow";
import { replaceFile } from "../../file.js";

/** Writes record batches of one schema to an Arrow IPC file, atomically and as they come. */
export async function writeArrow(
  path: string,
  batches: AsyncIterable<RecordBatch> | Iterable<RecordBatch>,
): Promise<void> {
  await replaceFile(path, async (temporary) => {
    const fd = openSync(temporary, "w");
    try {
      const writer = new RecordBatchFileWriter();
      const chunks = writer[Symbol.asyncIterator]();
      const drain = (async () => {
        for (let next = await chunks.next(); !next.done; next = await chunks.next()) writeFully(fd, next.value);
      })();
      for await (const batch of batches) writer.write(batch);
      writer.close();
      await drain;
    } finally {
      closeSync(fd);
    }
  });
}

function writeFully(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
