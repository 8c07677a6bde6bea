import type { CommandModule } from "yargs";
import { importWeights } from "../convert/index.js";
import { writeWhole } from "../file.js";

interface ImportArgs {
  readonly model?: string;
  readonly net?: string;
  readonly output?: string;
}

/** `netrun import-weights MODEL.onnx NET -o OUT.caffemodel`: the weights of a converted model back as Caffe has them. */
export const importWeightsCommand: CommandModule<object, ImportArgs> = {
  command: "import-weights <model> <net>",
  describe: "Write the weights of a converted ONNX model as a .caffemodel",
  builder: (yargs) =>
    yargs
      .positional("model", { type: "string", describe: "The ONNX model" })
      .positional("net", { type: "string", describe: "The prototxt that it was converted from" })
      .option("output", { alias: "o", type: "string", demandOption: true, describe: "The file to write" }) as never,
  handler: async ({ model, net, output }) => {
    await writeWhole(output!, importWeights(model!, net!));
    console.log(output);
  },
};
