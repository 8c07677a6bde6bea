import { count } from "../../graph/index.js";
import { add, transpose } from "../../ops/index.js";
import { fromPlain } from "./layout.js";
import { fusedMatMul } from "./nchwc.js";
import { attrsOf, type Formulation, shapeOf } from "./rules.js";

/** Rows up to which the weights go first: 16 rows of CaffeNet's fc6 40 ms against 57, 64 rows the same. */
const FEW_ROWS = 32;
/** Weights above which the turned result costs nothing beside them. */
const MANY_WEIGHTS = 2 ** 16;

/** y = x W^T + b of few rows as (W x^T)^T: the matrix product runs along the long side. Measured by bench:formulations. */
export const innerProduct: Formulation = {
  name: "inner product of few rows",
  ops: ["Gemm"],
  build(site) {
    const { transA, transB } = attrsOf<{ readonly transA: boolean; readonly transB: boolean }>(site);
    const [x, w] = [shapeOf(site, 0), shapeOf(site, 1)];
    if (transA || !transB || x[0]! > FEW_ROWS || count(w) < MANY_WEIGHTS) return undefined;
    const [a, b, c] = site.inputs.map((input) => input.plain());
    const y = transpose(fusedMatMul(b!, a!, { transB: true }), [1, 0]);
    return [fromPlain(c ? add(y, c) : y, site.block)];
  },
};
