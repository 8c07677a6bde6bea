import { rmSync } from "node:fs";
import { basename, dirname, join, parse } from "node:path";
import type { NetParameter } from "../caffe/messages.js";
import { replaceFile, writePieces } from "../file.js";
import { pieces } from "../onnx/parts.js";
import { type Checked, check, isChecked } from "./check.js";
import { type Conversion, NOT_CHECKED, prepare, reportOf } from "./convert.js";
import type { ConvertOptions, ConvertReport, WeightsSource } from "./options.js";

/** Result of a conversion to a file. */
export interface FileReport extends ConvertReport {
  /** Path of the file: beside the path asked for, as NAME.wrong.onnx, where the check found it wrong. */
  readonly path: string;
}

/** Tests whether a check found outputs or recorded blobs beyond their bounds. */
const isWrong = ({ verification, comparison }: Pick<ConvertReport, "verification" | "comparison">): boolean =>
  verification?.some(({ within }) => !within) === true || comparison?.first !== undefined;

/**
 * Converts as `convert` does, to a file (and one for the weights beside it, where they are external): a large net's weights are in
 * memory once. Files are checked before they get their names; those of a model that is wrong get others, and what was there stays.
 */
export async function convertFile(
  net: string | NetParameter,
  weights: WeightsSource,
  path: string,
  options: ConvertOptions = {},
): Promise<FileReport> {
  const conversion = await prepare(net, weights, options);
  const { external } = conversion.plan;
  return external === undefined ? writeOne(conversion, path) : writeTwo(conversion, path, external);
}

async function writeOne(conversion: Conversion, path: string): Promise<FileReport> {
  const { files } = conversion;
  let checked = NOT_CHECKED;
  const write = async (temporary: string) => {
    writePieces(temporary, pieces(files.model));
    checked = await checkFile(conversion, temporary);
  };
  const place = () => (isWrong(checked) ? wrongPath(path) : path);
  await replaceFile(path, write, place);
  return { ...reportOf(conversion, checked), path: place() };
}

/** The weights first, under a temporary name, and a model that names that to check them with. */
async function writeTwo(conversion: Conversion, path: string, external: string): Promise<FileReport> {
  const { files, written } = conversion;
  let checked = NOT_CHECKED;
  const write = async (temporary: string) => {
    writePieces(temporary, pieces(files.externalData));
    const model = `${temporary}.onnx`;
    try {
      writePieces(model, pieces(written.files(basename(temporary)).model));
      checked = await checkFile(conversion, model);
    } finally {
      rmSync(model, { force: true });
    }
  };
  const place = () => (isWrong(checked) ? wrongPath(path) : path);
  const data = () => (isWrong(checked) ? `${basename(wrongPath(path))}.data` : external);
  await replaceFile(join(dirname(path), external), write, () => join(dirname(path), data()));
  await replaceFile(place(), (temporary) => writePieces(temporary, pieces(written.files(data()).model)));
  return { ...reportOf(conversion, checked), path: place() };
}

const checkFile = ({ plan, written }: Conversion, path: string): Checked | Promise<Checked> =>
  isChecked(plan.options) ? check(path, written, plan) : NOT_CHECKED;

function wrongPath(path: string): string {
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}.wrong${ext}`);
}
