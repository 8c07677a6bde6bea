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
  readonly dtype: ElementName;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** The format's own limit for its header. */
const MAX_HEADER = 100_000_000;

/**
 * The tensors of a `.safetensors` file by name, as float32: 8 bytes of header length, a JSON header, raw little-endian values.
 * Places must be whole, in the file and without overlaps, as the format's own reader has it. Throws NetrunError naming the file and
 * the tensor where it is damaged.
 */
export function readSafetensors(bytes: Uint8Array, file: string): ReadonlyMap<string, Tensor> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = buffer.length < 8 ? Number.POSITIVE_INFINITY : Number(buffer.readBigUInt64LE(0));
  const fits = length <= MAX_HEADER && 8 + length <= buffer.length;
  const text = fits ? buffer.toString("utf8", 8, 8 + length) : "";
  const header = parsed(text);
  if (!header) throw new NetrunError("not a .safetensors file: no header", { file });
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw new NetrunError(`tensor "${repeated}" is there twice`, { file });
  const data = buffer.subarray(8 + length);
  const { __metadata__, ...rest } = header;
  const entries = Object.entries(rest).map(([name, entry]) => [name, entryOf(name, entry, data.length, file)] as const);
  checkPlaces(entries, data.length, file);
  return new Map(
    entries.map(([name, { dtype, shape, from, to }]) => [
      name,
      { shape, data: readElements(dtype, data.subarray(from, to)) },
    ]),
  );
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A key that the outermost object of a JSON text has twice: JSON.parse keeps the last one in silence. */
function repeatedKey(text: string): string | undefined {
  const keys = new Set<string>();
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    if (char !== '"') continue;
    const end = endOfString(text, at);
    if (depth === 1 && isKey(text, end)) {
      const key = JSON.parse(text.slice(at, end)) as string;
      if (keys.has(key)) return key;
      keys.add(key);
    }
    at = end - 1;
  }
  return undefined;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (" \t\n\r".includes(text[at]!)) at++;
  return text[at] === ":";
}

/** A value in an error; what is nested in others is not walked through, however deep it goes. */
const shown = (value: unknown): string =>
  typeof value === "object" && value !== null ? (Array.isArray(value) ? "[...]" : "{...}") : String(value);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function entryOf(name: string, entry: unknown, bytes: number, file: string): Entry {
  const fail = (what: string) => new NetrunError(`tensor "${name}" ${what}`, { file });
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Readonly<Record<string, unknown>>;
  const type = typeof dtype === "string" && Object.hasOwn(DTYPES, dtype) ? DTYPES[dtype] : undefined;
  if (!type) throw fail(`has elements of the type ${shown(dtype)}, which is none of ${Object.keys(DTYPES).join(", ")}`);
  if (!Array.isArray(shape) || !Array.isArray(offsets) || offsets.length !== 2)
    throw fail("has no shape or no place in the file");
  if (!shape.every(isCount)) throw fail(`has the shape [${shape.map(shown)}], whose dims are not all counts`);
  const [from, to] = offsets as unknown[];
  if (!isCount(from) || !isCount(to) || to - from !== count(shape) * elementSize(type) || to > bytes)
    throw fail(`[${shape}] does not fit its place, bytes ${shown(from)} to ${shown(to)} of ${bytes}`);
  return { dtype: type, shape, from, to };
}

/** Checks that the tensors' places follow one another and fill the file, in whatever order the header names them. */
function checkPlaces(entries: readonly (readonly [name: string, entry: Entry])[], bytes: number, file: string): void {
  const sorted = entries.toSorted(([, a], [, b]) => a.from - b.from || a.to - b.to);
  let [end, before] = [0, ""];
  for (const [name, { from, to }] of sorted) {
    if (from < end) throw new NetrunError(`tensors "${before}" and "${name}" overlap in the file`, { file });
    if (from > end)
      throw new NetrunError(`bytes ${end} to ${from}, before tensor "${name}", are no tensor's`, { file });
    [end, before] = [to, name];
  }
  if (end < bytes) throw new NetrunError(`bytes ${end} to ${bytes}, the file's last, are no tensor's`, { file });
}
