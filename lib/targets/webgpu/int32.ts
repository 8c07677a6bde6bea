import { Const, constantOf, type Elements, isOp, rebuilt, rewrite } from "../../graph/index.js";
import { Cast, cast } from "../../ops/index.js";
import type { Pass } from "../target.js";

const MOST = 2n ** 31n - 1n;

/** Whole numbers as int32, the greatest one for those beyond, which stand for "no end" among indices. */
const narrowed = (data: Elements): Int32Array =>
  Int32Array.from(data as BigInt64Array, (value) => Number(value > MOST ? MOST : value < -MOST ? -MOST : value));

/**
 * Whole numbers as int32: onnxruntime's WebGPU provider computes with no int64. They are indices, and no tensor has 2^31 elements.
 * Indices that ONNX gives as int64 whatever goes in (TopK's) are converted after it, which is not on the GPU.
 */
export const int32Numbers: Pass = {
  name: "int32-numbers",
  apply: (outputs) =>
    rewrite(outputs, (node, inputs) => {
      if (isOp(node, Const)) {
        const { dtype, data, shape } = node.attrs;
        return dtype === "int64" ? [constantOf("int32", narrowed(data), shape)] : undefined;
      }
      if (isOp(node, Cast) && node.attrs.to === "int64") return [cast(inputs[0]!, "int32")];
      return rebuilt(node, inputs).map((value) => (value.type.dtype === "int64" ? cast(value, "int32") : value));
    }),
};
