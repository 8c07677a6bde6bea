import { encode } from "../caffe/message.js";
import { meanImage } from "../data/feed/mean.js";
import { detectSource } from "../data/source/detect.js";
import { writeWhole } from "../file.js";
import type { CommandArgs } from "./commands/command.js";
import type { MEAN } from "./commands/files.js";
import { isQuiet, report } from "./common.js";
import { progressBar } from "./ticker.js";

/** Computes the mean image and channel means, as Caffe's compute_image_mean. */
export async function run(args: CommandArgs<typeof MEAN>): Promise<void> {
  const { data, output, onBadRecord } = args;
  const bar = progressBar(process.stderr, "rows", isQuiet(args));
  const { blob, channelMeans, rows } = await meanImage(detectSource(data!), bar.at, onBadRecord).finally(() =>
    bar.end(),
  );
  if (output !== undefined) await writeWhole(output, encode(blob));
  report(args, { path: output, rows, channelMeans }, () => [
    ...Array.from(channelMeans, (mean, c) => `mean_value: ${mean.toFixed(4)}  # channel ${c}`),
    output === undefined ? `${rows} rows` : `${rows} rows, mean image in ${output}`,
  ]);
}
