import type { CommandModule } from "yargs";
import { importWeights } from "../convert/index.js";
import { writeWhole } from "../file.js";
import { listOf, RUN_FLAGS, shapesOf } from "./common.js";

interface ImportArgs {
  readonly model?: string;
  readonly net?: string;
  readonly output?: string;
  readonly shape?: readonly string[];
  readonly level?: number;
  readonly stage?: string;
}

/** `netrun import-weights MODEL.onnx NET -o OUT.caffemodel`: the weights of a converted model back as Caffe has them. */
export const importWeightsCommand: CommandModule<object, ImportArgs> = {
  command: "import-weights <model> <net>",
  describe: "Write the weights of a converted ONNX model as a .caffemodel",
  builder: (yargs) =>
    yargs
      .positional("model", { type: "string", describe: "The ONNX model" })
      .positional("net", { type: "string", describe: "The prototxt that it was converted from" })
      .option("output", { alias: "o", type: "string", demandOption: true, describe: "The file to write" })
      .option("shape", {
        type: "string",
        array: true,
        nargs: 1,
        describe: "An input's shape, where neither file says it: BLOB=1,3,224,224",
      })
      .option("level", RUN_FLAGS.level)
      .option("stage", RUN_FLAGS.stage) as never,
  handler: async ({ model, net, output, shape, level, stage }) => {
    const options = { shapes: shapesOf(shape), stages: listOf(stage), ...(level !== undefined && { level }) };
    await writeWhole(output!, importWeights(model!, net!, options));
    console.log(output);
  },
};
