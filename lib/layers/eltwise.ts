import { sub as message } from "../caffe/message.js";
import { EltwiseParameter_EltwiseOp as Operation } from "../caffe/messages.js";
import { constant, sameShape, type Value } from "../graph/index.js";
import { add, div, max, mul, reshape, slice, stopGradient, withGradientOf } from "../ops/index.js";
import { alike } from "./implied.js";
import { computeLayer, type Site } from "./layer.js";

/**
 * Eltwise: the sum (weighted by `coeff`), product or maximum of two or more bottoms of one shape, element by element.
 * MAX: of equal maxima the second bottom's entry has the gradient before the first's, else the earlier one's, as Caffe compares;
 * it accepts `coeff` and, like Caffe, has no use for it. SUM: with `coeff_blob` (LRCN) the last bottom has factors. PROD: with `stable_prod_grad: false` the gradient is y / x, which is not a number where x is 0.
 */
export const Eltwise = computeLayer({
  type: "Eltwise",
  param: "eltwise_param",
  bottoms: [2, Number.POSITIVE_INFINITY],
  tops: 1,
  caffeMemory(layer) {
    const { operation, stable_prod_grad } = message(layer, "eltwise_param");
    if (operation === Operation.PROD) {
      const gives = "Caffe overwrites the top's gradient before it reads it";
      return { inPlace: { differs: "gradients", gives }, readsTop: stable_prod_grad ? "nothing" : "entries" };
    }
    return {
      inPlace: { differs: "values", gives: "Caffe clears the first bottom before it reads it" },
      readsBottom: "nothing",
    };
  },
  sees: "place",
  implies: (layer, shapeOf) => (message(layer, "eltwise_param").coeff_blob ? new Map() : alike(layer, shapeOf)),
  lower(site) {
    const { param } = site;
    const { operation, coeff } = param;
    if (param.coeff_blob && operation !== Operation.SUM) throw site.error("coeff_blob is for sums only", "coeff_blob");
    const [bottoms, factors] = param.coeff_blob
      ? [site.bottoms.slice(0, -1), site.bottoms.at(-1)!]
      : [site.bottoms, undefined];
    if (coeff.length > 0 && coeff.length !== bottoms.length) {
      throw site.error(`${coeff.length} coeff for ${bottoms.length} bottoms`, "coeff", [
        "give one for each bottom, or none",
      ]);
    }
    if (coeff.length > 0 && operation === Operation.PROD) throw site.error("coeff is for sums only", "coeff");
    const { shape } = bottoms[0]!.type;
    bottoms.forEach(({ type }, i) => {
      if (!sameShape(type.shape, shape)) {
        throw site.bottomError(i, `[${type.shape}] differs from [${shape}] of the first bottom`);
      }
    });
    switch (operation) {
      case Operation.SUM:
        return { tops: [bottoms.map((x, i) => weighted(factored(site, x, i, factors), coeff[i] ?? 1)).reduce(add)] };
      case Operation.MAX:
        return { tops: [maximum(bottoms)] };
      case Operation.PROD:
        return { tops: [product(bottoms, param.stable_prod_grad)] };
    }
  },
});

const weighted = (x: Value, by: number) => (by === 1 ? x : mul(x, constant(by)));

/**
 * A bottom times its factors, which the last bottom [bottoms, ...] has for its first axes, without a gradient (LRCN's coeff_blob).
 * Source: LisaAnne/lisa-caffe-public, eltwise_layer.cpp.
 */
function factored(site: Site<unknown>, x: Value, i: number, factors: Value | undefined): Value {
  if (!factors) return x;
  const { shape } = x.type;
  const [bottoms, ...axes] = factors.type.shape;
  const last = site.bottoms.length - 1;
  if (bottoms !== last || axes.length > shape.length || axes.some((dim, axis) => dim !== shape[axis]))
    throw site.bottomError(last, `[${factors.type.shape}] has no factors for ${last} bottoms of [${shape}]`);
  const own = slice(stopGradient(factors), 0, i, i + 1);
  return mul(x, reshape(own, [...axes, ...shape.slice(axes.length).map(() => 1)]));
}

function maximum([first, second, ...rest]: readonly Value[]): Value {
  // The gradient goes to the first of equal inputs of max.
  return rest.reduce(max, max(second!, first!));
}

function product(bottoms: readonly Value[], stable: boolean): Value {
  const y = bottoms.reduce(mul);
  if (stable) return y;
  return withGradientOf(y, bottoms.map((x) => mul(x, stopGradient(div(y, x)))).reduce(add));
}
