import { NetrunError } from "../../../error.js";
import { count } from "../../../graph/type.js";
import type { Tensor } from "../../tensor.js";
import { type ElementName, elementSize, readElements } from "./elements.js";

/** Element types by their names in the header. */
const DTYPES: Readonly<Record<string, ElementName>> = {
  F16: "f2",
  BF16: "bf2",
  F32: "f4",
  F64: "f8",
  I8: "i1",
  I16: "i2",
  I32: "i4",
  I64: "i8",
  U8: "u1",
  U16: "u2",
  U32: "u4",
  U64: "u8",
  BOOL: "b1",
};

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/**
 * The tensors of a `.safetensors` file by name, as float32: 8 bytes of header length, a JSON header, raw little-endian values.
 * Throws NetrunError naming the file and the tensor where it is damaged.
 */
export function readSafetensors(bytes: Uint8Array, file: string): ReadonlyMap<string, Tensor> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = buffer.length < 8 ? Number.POSITIVE_INFINITY : 8 + Number(buffer.readBigUInt64LE(0));
  const header = start <= buffer.length ? parsed(buffer.toString("utf8", 8, start)) : undefined;
  if (!header) throw new NetrunError("not a .safetensors file: no header", { file });
  const { __metadata__, ...entries } = header;
  return new Map(
    Object.entries(entries).map(([name, entry]) => [
      name,
      tensorOf(name, entry as Entry, buffer.subarray(start), file),
    ]),
  );
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function tensorOf(
  name: string,
  { dtype, shape, data_offsets: offsets }: Entry,
  data: Uint8Array,
  file: string,
): Tensor {
  const fail = (what: string) => new NetrunError(`tensor "${name}" ${what}`, { file });
  const type = DTYPES[dtype];
  if (!type) throw fail(`has elements of the type ${dtype}, which is none of ${Object.keys(DTYPES).join(", ")}`);
  if (!Array.isArray(shape) || !Array.isArray(offsets)) throw fail("has no shape or no place in the file");
  const [from, to] = offsets;
  if (to - from !== count(shape) * elementSize(type) || from < 0 || to > data.length)
    throw fail(`[${shape}] does not fit its place, bytes ${from} to ${to} of ${data.length}`);
  return { shape, data: readElements(type, data.subarray(from, to)) };
}
