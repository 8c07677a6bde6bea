/** Element types that netrun's graphs use; names as in ONNX, lower case. */
export type DType = "float32" | "float16" | "int64" | "int32" | "int8" | "uint8" | "bool";

/** Type of a tensor: what is known before it is computed. Shapes are always static; [] is a scalar. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** float32 of the given shape, what every Caffe blob is. */
export const float32 = (shape: readonly number[]): TensorType => ({ dtype: "float32", shape });

/** Number of elements: the product of the dims from `from` to before `to`. */
export function count(shape: readonly number[], from = 0, to = shape.length): number {
  let n = 1;
  for (let i = from; i < to; i++) n *= shape[i]!;
  return n;
}

/** Tests whether two shapes have the same dims. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/**
 * The shape that numpy-style broadcasting gives: dims align at the end, 1 stretches.
 * Throws a plain Error where they do not go together: lowerings check before they build.
 */
export function broadcastShape(a: readonly number[], b: readonly number[]): readonly number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const p = a[a.length - rank + i] ?? 1;
    const q = b[b.length - rank + i] ?? 1;
    if (p !== q && p !== 1 && q !== 1) throw new Error(`shapes [${a}] and [${b}] do not broadcast`);
    return p === 1 ? q : p;
  });
}

/** Row-major strides, in elements. */
export function strides(shape: readonly number[]): readonly number[] {
  const result = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    result[i] = step;
    step *= shape[i]!;
  }
  return result;
}
