import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { RecordBatch } from "apache-arrow";
import { arrowSource } from "../arrow/source.js";
import { writeArrow } from "../arrow/write.js";
import { cacheFolder } from "../cache.js";
import type { DataSource } from "../source.js";

/** Changes with every change of what is spooled for the same input. */
const VERSION = 1;

/**
 * A source of what can only be read from its beginning, such as text: converted once to an Arrow file in the cache folder,
 * under a name that follows from the files' names, sizes and times of change and from `options`, and read from there. So shards,
 * resuming and any number of epochs cost no parsing, and nothing has to fit in memory.
 */
export async function spooled(
  files: readonly string[],
  options: unknown,
  convert: () => AsyncIterable<RecordBatch>,
): Promise<DataSource> {
  const states = files.map((file) => {
    const { size, mtimeMs } = statSync(file);
    return [file, size, mtimeMs];
  });
  const key = createHash("sha256")
    .update(JSON.stringify([VERSION, states, options]))
    .digest("hex")
    .slice(0, 24);
  const path = join(cacheFolder(), `spool-${key}.arrow`);
  if (!existsSync(path)) await writeArrow(path, convert());
  const source = await arrowSource(path);
  return { ...source, locate: (index) => `${files.join(", ")}: row ${index}` };
}
