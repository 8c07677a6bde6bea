import { statSync } from "node:fs";
import { basename } from "node:path";
import { contentOf, refuseForeign } from "../caffe/content.js";
import { isBinary, readBytes, requireFile, textOf } from "../caffe/files.js";
import { hdf5Kind, isHdf5, readHdf5State, readHdf5Weights } from "../caffe/hdf5.js";
import { largeContent } from "../caffe/large.js";
import { kindOfText, type Loaded, type LoadOptions, loadNet, loadSolver } from "../caffe/load.js";
import { decode } from "../caffe/message.js";
import type { NetParameter, SolverParameter } from "../caffe/messages.js";
import { decodeSolverState, type StoredState, stateByParts } from "../caffe/solver-state.js";
import { type StoredBlob, storedBlob } from "../caffe/stored.js";
import { decodeWeights, netParts, type StoredNet } from "../caffe/weights.js";
import type { LabelName } from "../data/source/label-map.js";
import { NetrunError } from "../error.js";
import { refuseSpecial } from "../file.js";
import { topNames } from "../text/top-names.js";
import type { OnnxSummary } from "./onnx.js";

/** A file of Caffe's, read. */
export type Artifact =
  | { readonly kind: "net"; readonly path: string; readonly loaded: Loaded<NetParameter> }
  | { readonly kind: "solver"; readonly path: string; readonly loaded: Loaded<SolverParameter> }
  | { readonly kind: "weights"; readonly path: string; readonly parts: Iterable<StoredNet> }
  | { readonly kind: "state"; readonly path: string; readonly state: StoredState }
  | { readonly kind: "onnx"; readonly path: string; readonly model: OnnxSummary }
  | { readonly kind: "labels"; readonly path: string; readonly labels: readonly LabelName[] }
  | { readonly kind: "mean"; readonly path: string; readonly blob: StoredBlob };

/** Description of a file by its content. */
export type FileKind = Exclude<Artifact["kind"], "labels" | "onnx">;

/** Reads whatever file of Caffe's this is. Throws NetrunError if it is none, or damaged. */
export async function readArtifact(path: string, options: LoadOptions = {}): Promise<Artifact> {
  refuseSpecial(path);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw await (await import("./folder.js")).folderError(path);
  const file = requireFile(path);
  if (isHdf5(file)) return readHdf5(file);
  const large = largeContent(file);
  if (large === "net") return { kind: "weights", path: file, parts: netParts(file) };
  if (large === "state") return { kind: "state", path: file, state: stateByParts(file) };
  const { path: found, bytes } = readBytes(path);
  if (bytes.length === 0) throw new NetrunError("is empty", { file: found });
  refuseForeign(bytes, found);
  if (/\.netrunstate$/i.test(found)) throw sideFile(found);
  if (isBinary(bytes)) {
    // ONNX's schema is parsed when it is needed.
    const model = (await import("./onnx.js")).onnxSummary(bytes);
    if (model) return { kind: "onnx", path: found, model };
    if (/\.onnx$/i.test(found) || contentOf(bytes) === "onnx")
      throw new NetrunError("is a damaged ONNX model", {
        file: found,
        notes: ["it is cut off, or parts of it are missing: convert the net again, or copy the file again"],
      });
  }
  if (!isBinary(bytes) && isLabelMap(textOf(bytes, found), found))
    return { kind: "labels", path: found, labels: (await import("../data/source/label-map.js")).readLabelMap(found) };
  switch (kindOf(bytes, found)) {
    case "net":
      return { kind: "net", path: found, loaded: loadNet(found, options) };
    case "solver":
      return { kind: "solver", path: found, loaded: loadSolver(found, options) };
    case "weights":
      return { kind: "weights", path: found, parts: [decodeWeights(bytes, found)] };
    case "state":
      return { kind: "state", path: found, state: decodeSolverState(bytes, found) };
    case "mean":
      return { kind: "mean", path: found, blob: storedBlob(decode("BlobProto", bytes, found), "the blob", found) };
  }
}

/** Tests whether a text is one of SSD's label maps: it has items alone. */
function isLabelMap(text: string, path: string): boolean {
  const names = [...topNames(text, path)];
  return names.length > 0 && names.every((name) => name === "item");
}

/** The kind of a file that is not HDF5: a binary one by the numbers and wire types of its fields, which differ. */
export function kindOf(bytes: Uint8Array, path: string): FileKind {
  if (!isBinary(bytes)) return kindOfText(textOf(bytes, path), path) === "NetParameter" ? "net" : "solver";
  const content = contentOf(bytes);
  // What its fields do not tell is read as the most frequent kind, whose error names the place of the damage.
  return content === "mean" || content === "state" ? content : "weights";
}

function sideFile(file: string): NetrunError {
  const state = file.replace(/\.netrunstate$/i, ".solverstate");
  return new NetrunError(
    "is the file that netrun writes beside a .solverstate: random numbers, positions in the data, losses",
    {
      file,
      notes: [`netrun inspect ${state} shows the solver's state`],
    },
  );
}

async function readHdf5(path: string): Promise<Artifact> {
  switch (await hdf5Kind(path)) {
    case "weights": {
      const weights = await readHdf5Weights(path);
      const layers = Array.from(weights, ([name, blobs]) => ({ name, type: "", bottom: [], top: [], blobs }));
      return { kind: "weights", path, parts: [{ name: basename(path), layers }] };
    }
    case "state":
      return { kind: "state", path, state: await readHdf5State(path) };
    default:
      throw new NetrunError("is HDF5, but neither weights nor a solver state", { file: path });
  }
}
