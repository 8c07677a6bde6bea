import { unzipSync } from "fflate";
import { NetrunError } from "../../../error.js";
import { count, strides } from "../../../graph/type.js";
import type { Tensor } from "../../tensor.js";
import { elementSize, isElementName, readElements } from "./elements.js";

const MAGIC = "\x93NUMPY";

/** The arrays of an `.npz` archive by name, as float32. Throws NetrunError naming the file where it is damaged. */
export function readNpz(bytes: Uint8Array, file: string): ReadonlyMap<string, Tensor> {
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(bytes);
  } catch (cause) {
    throw new NetrunError(`not a whole .npz archive: ${(cause as Error).message}`, {
      file,
      notes: ["the file is damaged, cut off or of another kind; numpy.savez(FILE, data=..., prob=...) writes one"],
      cause,
    });
  }
  return new Map(
    Object.entries(entries).flatMap(([name, content]) =>
      name.endsWith(".npy") ? [[name.slice(0, -".npy".length), readNpy(content, file, name)] as const] : [],
    ),
  );
}

/** An array in NumPy's format, rows of the last axis together whatever order the file has. Source: numpy.lib.format. */
function readNpy(bytes: Uint8Array, file: string, name = file): Tensor {
  const fail = (what: string) => new NetrunError(`array "${name}" ${what}`, { file });
  const { start, header } = headerOf(bytes) ?? {};
  if (header === undefined) throw fail("has no NumPy header");
  const [, order, type] = /'descr':\s*'([<>|=]?)(\w+)'/.exec(header) ?? [];
  const [, fortran] = /'fortran_order':\s*(True|False)/.exec(header) ?? [];
  const [, dims] = /'shape':\s*\(([\d,\sL]*)\)/.exec(header) ?? [];
  if (type === undefined || !isElementName(type))
    throw fail(`has elements of the type ${/'descr':\s*([^}]*?),\s*'/.exec(header)?.[1] ?? "?"}, not numbers`);
  if (fortran === undefined || dims === undefined) throw fail(`has a header that says no shape: ${header.trim()}`);
  const shape = (dims.match(/\d+/g) ?? []).map(Number);
  const length = count(shape) * elementSize(type);
  const data = bytes.subarray(start, start! + length);
  if (data.length < length) throw fail(`is cut off: [${shape}] needs ${length} bytes, there are ${data.length}`);
  const values = readElements(type, data, order !== ">");
  return { shape, data: fortran === "True" ? rowMajor(values, shape) : values };
}

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
