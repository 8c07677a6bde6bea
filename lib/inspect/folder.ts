import { readdirSync } from "node:fs";
import { join } from "node:path";
import { NetrunError } from "../error.js";

const SNAPSHOT = /_iter_(\d+)\.(caffemodel|solverstate)(\.h5)?$/;

/** Kinds of data in words, where a folder can be one. */
const DATA: Readonly<Record<string, string>> = {
  lmdb: "an LMDB database",
  leveldb: "a LevelDB database",
  arrow: "a folder of Arrow files",
  idx: "a folder of IDX files",
  cifar: "CIFAR-10 as its .bin files",
  folder: "a folder of images, a folder for each class",
  text: "a folder of texts",
};

/** The error for a folder where a file is expected: what the folder is, and the command that was probably meant. */
export async function folderError(path: string): Promise<NetrunError> {
  const names = readdirSync(path);
  const iterationOf = (name: string) => Number(SNAPSHOT.exec(name)?.[1] ?? -1);
  const [newest] = names.filter((name) => SNAPSHOT.test(name)).sort((a, b) => iterationOf(b) - iterationOf(a));
  if (newest !== undefined) return because("is a folder of snapshots", `netrun inspect ${join(path, newest)}`);
  // Data readers are loaded for this message alone.
  const { detectSource } = await import("../data/source/detect.js");
  try {
    const { kind } = detectSource(path);
    const commands = `netrun mean ${path} reads it, and --data ${path} trains and tests on it`;
    return because(`is data: ${DATA[kind] ?? kind}`, commands);
  } catch (error) {
    if (!(error instanceof NetrunError)) throw error;
    const models = names.filter((name) => /\.(prototxt|caffemodel|onnx|binaryproto|solverstate)$/.test(name));
    const meant = models.slice(0, 3).map((name) => `netrun inspect ${join(path, name)}`);
    return because(
      names.length === 0 ? "is an empty folder" : "is a folder",
      ...(meant.length > 0 ? meant : ["inspect takes a file: a net, solver, weights, solver state, mean or ONNX file"]),
    );
  }

  function because(message: string, ...notes: readonly string[]): NetrunError {
    return new NetrunError(message, { file: path, notes: [...notes] });
  }
}
