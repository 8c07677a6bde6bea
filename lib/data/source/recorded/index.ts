import { readBytes } from "../../../caffe/files.js";
import { NetrunError } from "../../../error.js";
import type { Tensor } from "../../tensor.js";
import { readNpz } from "./npz.js";
import { readSafetensors } from "./safetensors.js";

/**
 * The tensors of an `.npz` or `.safetensors` file by name, as float32; which of them it is, its first bytes tell.
 * Throws NetrunError where it is missing, damaged or of another kind.
 */
export function readTensors(path: string): ReadonlyMap<string, Tensor> {
  const { path: file, bytes } = readBytes(path);
  const start = Buffer.from(bytes.subarray(0, 9)).toString("latin1");
  if (start.startsWith("PK")) return readNpz(bytes, file);
  if (start[8] === "{") return readSafetensors(bytes, file);
  throw new NetrunError("neither an .npz nor a .safetensors file", {
    file,
    notes: ["recorded blobs by name: numpy.savez(FILE, data=net.blobs['data'].data, prob=...)"],
  });
}
