import { readFileSync } from "node:fs";
import type { Tensor } from "../../lib/data/tensor.js";

/** Tensors of a .safetensors file, F32 only. */
export interface Tensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Reads a .safetensors file: 8 bytes of header length, a JSON header, raw little-endian values. */
export function readSafetensors(path: string): Tensors {
  const file = readFileSync(path);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const { __metadata__: metadata = {}, ...entries } = JSON.parse(file.toString("utf8", 8, start));
  const tensors = new Map(
    Object.entries(entries as Record<string, Entry>).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        if (dtype !== "F32") throw new Error(`${path}: ${name} is ${dtype}`);
        // A copy: the values need not be aligned in the file.
        const bytes = Uint8Array.from(file.subarray(start + from, start + to));
        return [name, { shape, data: new Float32Array(bytes.buffer) }];
      },
    ),
  );
  return { metadata, tensors };
}

/** The bytes of a .safetensors file. */
export function safetensorsOf(tensors: Readonly<Record<string, Tensor>>): Uint8Array {
  let end = 0;
  const header = Object.entries(tensors).map(([name, { shape, data: values }]) => {
    const start = end;
    end += values.byteLength;
    return [name, { dtype: "F32", shape, data_offsets: [start, end] }] as const;
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const parts = Object.values(tensors).map(({ data: { buffer, byteOffset, byteLength } }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  );
  return Buffer.concat([length, text, ...parts]);
}
