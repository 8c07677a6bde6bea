import { importedPieces } from "../convert/index.js";
import { NetrunError } from "../error.js";
import { replaceFile, writePieces } from "../file.js";
import { apiOf } from "../options/option.js";
import type { CommandArgs } from "./commands/command.js";
import { IMPORT_WEIGHTS } from "./commands/conversion.js";
import { report } from "./common.js";

/** Writes the weights of a converted model back as Caffe has them. */
export async function run(args: CommandArgs<typeof IMPORT_WEIGHTS>): Promise<void> {
  const { model, net, output } = args;
  if (/\.onnx$/i.test(net!) && !/\.onnx$/i.test(model!)) {
    throw new NetrunError(`${net} is a model, ${model} is not: the model comes first`, {
      notes: [`netrun import-weights ${net} ${model} -o ${output}`],
    });
  }
  const pieces = importedPieces(model!, net!, apiOf(IMPORT_WEIGHTS, args));
  await replaceFile(output, (temporary) => writePieces(temporary, pieces));
  report(args, { path: output }, () => [output]);
}
