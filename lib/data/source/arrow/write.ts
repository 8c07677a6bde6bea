import { closeSync, openSync } from "node:fs";
import { type Field, type RecordBatch, RecordBatchFileWriter, type Schema } from "apache-arrow";
import { NetrunError } from "../../../error.js";
import { replaceFile, writeAll } from "../../../file.js";
import { SHAPE } from "../columns.js";

/** Writes to a file at once. The library's own writer keeps views in a queue, and who made a batch may use its memory again. */
class FileWriter extends RecordBatchFileWriter {
  readonly #fd: number;

  constructor(fd: number) {
    super();
    this.#fd = fd;
  }

  protected override _write(chunk: ArrayBufferView): this {
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    writeAll(this.#fd, bytes);
    this._position += bytes.length;
    return this;
  }
}

/**
 * Writes record batches of one schema to an Arrow IPC file, atomically and as they come: a batch is in the file when the next one is
 * asked for. Throws a NetrunError where another schema
 * comes: rows of another shape or type.
 */
export async function writeArrow(
  path: string,
  batches: AsyncIterable<RecordBatch> | Iterable<RecordBatch>,
): Promise<void> {
  await replaceFile(path, async (temporary) => {
    const fd = openSync(temporary, "w");
    try {
      const writer = new FileWriter(fd);
      let schema: Schema | undefined;
      let rows = 0;
      for await (const batch of batches) {
        schema ??= batch.schema;
        // The writer would leave such rows out without a word.
        refuseOther(schema, batch.schema, rows);
        rows += batch.numRows;
        writer.write(batch);
      }
      writer.close();
    } finally {
      closeSync(fd);
    }
  });
}

function refuseOther(first: Schema, other: Schema, rows: number): void {
  if (first === other) return;
  const differs = first.fields.findIndex((field, i) => textOf(field) !== textOf(other.fields[i]));
  if (differs < 0 && first.fields.length === other.fields.length) return;
  const [was, is] = [first.fields[differs], other.fields[differs]];
  throw new NetrunError(`row ${rows} has ${textOf(is)}, the rows before it ${textOf(was)}`, {
    notes: ["the rows of a file have one shape: --resize gives images one, or keep them encoded"],
  });
}

/** A column's name, type and shape. */
const textOf = (field: Field | undefined): string =>
  field ? `"${field.name}" of ${field.type} ${field.metadata.get(SHAPE) ?? ""}` : "no more columns";
