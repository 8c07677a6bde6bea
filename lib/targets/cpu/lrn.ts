import { count } from "../../graph/index.js";
import type { LrnAttrs } from "../../ops/index.js";
import { flatPlanes, type LrnView, pooledLrn, pooledLrnGradient } from "../lrn.js";
import { fromPlain } from "./layout.js";
import { attrsOf, type Formulation, shapeOf } from "./rules.js";

/** Entries of a plane above which it stays a plane: one axis of 3,136 pools three times slower, one of 729 a quarter faster. */
const WIDE = 1024;

/** Planes as they are where they are wide. */
const planesOf: LrnView = (shape) =>
  count(shape, 2) > WIDE ? [1, shape[0]!, shape[1]!, ...shape.slice(2)] : flatPlanes(shape);

/** Local response normalisation across channels by the pooling that suits the size of its planes. */
export const lrn: Formulation = {
  name: "LRN by planes",
  ops: ["LRN"],
  build(site) {
    if (shapeOf(site, 0).length !== 4) return undefined;
    return [fromPlain(pooledLrn(site.inputs[0]!.plain(), attrsOf<LrnAttrs>(site), planesOf), site.block)];
  },
};

/** Its gradient. */
export const lrnGradient: Formulation = {
  name: "LRN's gradient by planes",
  ops: ["LRNGrad"],
  build(site) {
    if (shapeOf(site, 0).length !== 4) return undefined;
    const [x, dy] = site.inputs.map((input) => input.plain());
    return [fromPlain(pooledLrnGradient(x!, dy!, attrsOf<LrnAttrs>(site), planesOf), site.block)];
  },
};
