import { encode } from "../caffe/message.js";
import { meanImage } from "../data/feed/mean.js";
import { detectSource } from "../data/source/detect.js";
import { writeWhole } from "../file.js";
import type { CommandArgs } from "./commands/command.js";
import type { MEAN } from "./commands/files.js";
import { progressBar } from "./ticker.js";

/** Computes the mean image and channel means, as Caffe's compute_image_mean. */
export async function run({ data, out, onBadRecord }: CommandArgs<typeof MEAN>): Promise<void> {
  const bar = progressBar(process.stderr, "rows");
  const { blob, channelMeans, rows } = await meanImage(detectSource(data!), bar.at, onBadRecord).finally(() =>
    bar.end(),
  );
  if (out !== undefined) await writeWhole(out, encode(blob));
  for (const [c, mean] of channelMeans.entries())
    process.stdout.write(`mean_value: ${mean.toFixed(4)}  # channel ${c}\n`);
  process.stdout.write(out === undefined ? `${rows} rows\n` : `${rows} rows, mean image in ${out}\n`);
}
