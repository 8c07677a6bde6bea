import type { CommandModule } from "yargs";
import { encode } from "../caffe/message.js";
import { meanImage } from "../data/feed/mean.js";
import { detectSource } from "../data/source/detect.js";
import { writeWhole } from "../file.js";
import { DATA_FLAGS } from "./common.js";
import { progressBar } from "./ticker.js";

interface MeanArgs {
  readonly data?: string;
  readonly out?: string;
  readonly onBadRecord?: "fail" | "skip";
}

/** `netrun mean DATA [-o mean.binaryproto]`: the mean image and channel means, as Caffe's compute_image_mean. */
export const meanCommand: CommandModule<object, MeanArgs> = {
  command: "mean <data>",
  describe: "Compute the mean image of a data set",
  builder: (yargs) =>
    yargs
      .positional("data", { type: "string", describe: "A data set of any kind" })
      .option("on-bad-record", DATA_FLAGS["on-bad-record"])
      .option("out", { alias: "o", type: "string", describe: "The mean file to write, a binaryproto" }) as never,
  handler: async ({ data, out, onBadRecord }) => {
    const bar = progressBar(process.stderr, "rows");
    const { blob, channelMeans, rows } = await meanImage(detectSource(data!), bar.at, onBadRecord).finally(() =>
      bar.end(),
    );
    if (out !== undefined) await writeWhole(out, encode(blob));
    for (const [c, mean] of channelMeans.entries())
      process.stdout.write(`mean_value: ${mean.toFixed(4)}  # channel ${c}\n`);
    process.stdout.write(out === undefined ? `${rows} rows\n` : `${rows} rows, mean image in ${out}\n`);
  },
};
