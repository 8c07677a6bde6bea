import { NetrunError } from "../../../error.js";
import { count, strides } from "../../../graph/type.js";
import type { Tensor } from "../../tensor.js";
import { elementSize, isElementName, readElements } from "./elements.js";
import { unzip } from "./zip.js";

const MAGIC = "\x93NUMPY";

/** The arrays of an `.npz` archive by name, as float32. Throws NetrunError naming the file where it is damaged. */
export function readNpz(bytes: Uint8Array, file: string): ReadonlyMap<string, Tensor> {
  let entries: ReadonlyMap<string, Uint8Array>;
  try {
    entries = unzip(bytes, file);
  } catch (cause) {
    if (cause instanceof NetrunError) throw cause;
    throw new NetrunError(`not a whole .npz archive: ${(cause as Error).message}`, {
      file,
      notes: ["the file is damaged, cut off or of another kind; numpy.savez(FILE, data=..., prob=...) writes one"],
      cause,
    });
  }
  return new Map(
    [...entries].flatMap(([name, content]) =>
      name.endsWith(".npy") ? [[name.slice(0, -".npy".length), readNpy(content, file, name)] as const] : [],
    ),
  );
}

/** An array in NumPy's format, rows of the last axis together whatever order the file has. Source: numpy.lib.format. */
function readNpy(bytes: Uint8Array, file: string, name = file): Tensor {
  const fail = (what: string) => new NetrunError(`array "${name}" ${what}`, { file });
  const { start, header } = headerOf(bytes) ?? {};
  if (header === undefined) throw fail("has no NumPy header");
  const [, order, type] = /^([<>|=]?)([a-z]\w*)$/.exec(between(header, "descr", "'", "'") ?? "") ?? [];
  const fortran = /^\s*(True|False)\b/.exec(header.slice(after(header, "fortran_order")))?.[1];
  const shape = dimsOf(between(header, "shape", "(", ")"));
  if (type === undefined || !isElementName(type))
    throw fail(`has elements of the type ${typeText(header)}, which are not numbers`);
  if (fortran === undefined || !shape) throw fail(`has a header that says no shape: ${shortened(header.trim())}`);
  const length = count(shape) * elementSize(type);
  const data = bytes.subarray(start, start! + length);
  if (data.length < length) throw fail(`is cut off: [${shape}] needs ${length} bytes, there are ${data.length}`);
  const spare = bytes.length - start! - length;
  if (spare > 0) throw fail(`has ${spare} bytes more than its shape [${shape}] needs`);
  const values = readElements(type, data, order !== ">");
  return { shape, data: fortran === "True" ? rowMajor(values, shape) : values };
}

// The header is the text of a Python dictionary. It may be as long as the file, so that nothing here looks at a place twice.

/** Offset of a key's value; the header's end where the key is missing. */
function after(header: string, key: string): number {
  const at = header.indexOf(`'${key}':`);
  return at < 0 ? header.length : at + key.length + 3;
}

/** Text between the next two marks after a key, where only blanks come before the first. */
function between(header: string, key: string, open: string, close: string): string | undefined {
  const from = header.indexOf(open, after(header, key)) + 1;
  if (from === 0 || header.slice(after(header, key), from - 1).trim() !== "") return undefined;
  const to = header.indexOf(close, from);
  return to < 0 ? undefined : header.slice(from, to);
}

/** The dims of a tuple; Python 2 wrote long integers with an L. */
function dimsOf(tuple: string | undefined): number[] | undefined {
  const parts = tuple?.split(",").map((part) => part.trim());
  // (3,) and () end with nothing.
  if (parts?.at(-1) === "") parts.pop();
  const dims = parts?.map((part) => (/^\d+L?$/.test(part) ? Number.parseInt(part, 10) : Number.NaN));
  return dims?.every((dim) => Number.isSafeInteger(dim)) ? dims : undefined;
}

function typeText(header: string): string {
  const from = after(header, "descr");
  const to = header.indexOf(", '", from);
  return shortened(header.slice(from, to < 0 ? undefined : to).trim()) || "?";
}

const shortened = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)} ...` : text);

/** The text of the header, and where the elements start. */
function headerOf(bytes: Uint8Array): { readonly start: number; readonly header: string } | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 12 || buffer.toString("latin1", 0, 6) !== MAGIC) return undefined;
  const isLong = buffer[6]! >= 2;
  const from = isLong ? 12 : 10;
  const start = from + (isLong ? buffer.readUInt32LE(8) : buffer.readUInt16LE(8));
  return start <= buffer.length ? { start, header: buffer.toString("utf8", from, start) } : undefined;
}

/** Elements whose first axis runs fastest, in the order in which the last does. */
function rowMajor(values: Float32Array, shape: readonly number[]): Float32Array {
  const steps = strides(shape.toReversed()).toReversed();
  const own = strides(shape);
  return values.map((_, i) => {
    let at = 0;
    for (let axis = 0; axis < shape.length; axis++) at += (Math.floor(i / own[axis]!) % shape[axis]!) * steps[axis]!;
    return values[at]!;
  });
}
