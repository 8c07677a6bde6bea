import { halfValue } from "../../../graph/half.js";

/** Reader of one element of a type: its size in bytes, and its value at an offset. */
interface ElementType {
  readonly size: number;
  readonly read: (view: DataView, at: number, littleEndian: boolean) => number;
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Element types by letter and size in bytes as NumPy has them; bf2 is bfloat16, which NumPy does not have. */
const TYPES = {
  f2: { size: 2, read: (view, at, little) => halfValue(view.getUint16(at, little)) },
  f4: { size: 4, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { size: 8, read: (view, at, little) => view.getFloat64(at, little) },
  bf2: {
    size: 2,
    read: (view, at, little) => {
      bits[0] = view.getUint16(at, little) << 16;
      return float[0]!;
    },
  },
  i1: { size: 1, read: (view, at) => view.getInt8(at) },
  i2: { size: 2, read: (view, at, little) => view.getInt16(at, little) },
  i4: { size: 4, read: (view, at, little) => view.getInt32(at, little) },
  i8: { size: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  u1: { size: 1, read: (view, at) => view.getUint8(at) },
  u2: { size: 2, read: (view, at, little) => view.getUint16(at, little) },
  u4: { size: 4, read: (view, at, little) => view.getUint32(at, little) },
  u8: { size: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) },
  b1: { size: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
} as const satisfies Record<string, ElementType>;

/** A type of elements that files of tensors may have. */
export type ElementName = keyof typeof TYPES;

export const isElementName = (name: string): name is ElementName => Object.hasOwn(TYPES, name);

/** Bytes of an element. */
export const elementSize = (name: ElementName): number => TYPES[name].size;

/** Elements as float32, rounded where they are more precise. */
export function readElements(name: ElementName, bytes: Uint8Array, littleEndian = true): Float32Array {
  const { size, read }: ElementType = TYPES[name];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(bytes.length / size);
  for (let i = 0; i < values.length; i++) values[i] = read(view, i * size, littleEndian);
  return values;
}
