import { readFileSync } from "node:fs";
import type { Tensor } from "../../lib/data/tensor.js";

/** The float32 tensors of a .safetensors file by name. */
export function readSafetensors(path: string): ReadonlyMap<string, Tensor> {
  const bytes = readFileSync(path);
  const headerEnd = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, headerEnd).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (entry.dtype !== "F32") throw new Error(`${path}: ${name} is ${entry.dtype}`);
    const [from, to] = entry.data_offsets;
    const data = new Float32Array(
      bytes.buffer.slice(bytes.byteOffset + headerEnd + from, bytes.byteOffset + headerEnd + to),
    );
    tensors.set(name, { shape: entry.shape, data });
  }
  return tensors;
}
