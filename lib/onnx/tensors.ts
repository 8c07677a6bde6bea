import type { Tensor } from "onnxruntime-node";
import { count, type Elements, type TensorType } from "../graph/index.js";
import type { onnxruntime } from "./onnxruntime.js";

type Library = Awaited<ReturnType<typeof onnxruntime>>;

/** Tensors by the memory that they are views of: a net's weights are hundreds of them, the same ones in every step. */
const known = new WeakMap<ArrayBufferLike, Map<string, Tensor>>();

/** The elements as onnxruntime's tensor, the same object for the same memory. Throws a plain Error if they do not fill the shape. */
export function tensorOf(ort: Library, name: string, data: Elements, { dtype, shape }: TensorType): Tensor {
  if (data.length !== count(shape)) throw new Error(`${name} is [${shape}], which ${data.length} elements do not fill`);
  const views = known.get(data.buffer) ?? new Map<string, Tensor>();
  known.set(data.buffer, views);
  const key = `${data.byteOffset} ${dtype} ${shape}`;
  const tensor = views.get(key) ?? new ort.Tensor(dtype as "float32", data as Float32Array, shape);
  views.set(key, tensor);
  return tensor;
}
