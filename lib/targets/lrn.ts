import { constant, count, type Value } from "../graph/index.js";
import {
  add,
  averagePool,
  div,
  divideByPower,
  type LrnAttrs,
  mul,
  neg,
  type PoolAttrs,
  pow,
  reshape,
  sqrt,
  sub,
} from "../ops/index.js";
import { averagePoolGradient } from "./pool.js";

/**
 * LRN as an average pooling over one image whose planes are [c, h*w]: onnxruntime pools that several times faster than it computes
 * its own LRN, which takes a power of each entry. x [n, c, h, w].
 */
export const pooledLrn = (x: Value, attrs: LrnAttrs, view: LrnView = flatPlanes): Value =>
  divideByPower(x, baseOf(x, attrs, view).base, attrs.beta);

/** Layout of the pooling under LRN for x [n, c, h, w]: one image whose channels are the images and whose first axis is c. */
export type LrnView = (shape: readonly number[]) => readonly number[];

/** A plane as one long axis. */
export const flatPlanes: LrnView = (shape) => [1, shape[0]!, shape[1]!, count(shape, 2)];

/** The gradient of `pooledLrn`: through the quotient, and through the sums of squares under it. */
export function pooledLrnGradient(x: Value, dy: Value, attrs: LrnAttrs, view: LrnView = flatPlanes): Value {
  const { base, windows, planes } = baseOf(x, attrs, view);
  const [direct, dBase] = throughQuotient(x, base, dy, attrs.beta);
  const { shape } = x.type;
  const dMean = reshape(mul(dBase, constant(attrs.alpha)), planes);
  const dSquares = reshape(averagePoolGradient(dMean, { ...windows, shape: planes }), shape);
  const part = mul(dSquares, x);
  return add(add(direct, part), part);
}

function baseOf(x: Value, { size, alpha, bias }: LrnAttrs, view: LrnView) {
  const { shape } = x.type;
  const planes = view(shape);
  const around = (size - 1) / 2;
  const within = planes.slice(3);
  const windows: PoolAttrs = {
    kernel: [size, ...within.map(() => 1)],
    strides: [1, ...within.map(() => 1)],
    pads: [[around, around], ...within.map(() => [0, 0] as const)],
  };
  const mean = reshape(averagePool(reshape(mul(x, x), planes), windows), shape);
  return { base: add(mul(mean, constant(alpha)), constant(bias)), windows, planes };
}

/** Gradients of x / base^beta in x and in base; roots where they do, since Pow takes several times as long. */
function throughQuotient(x: Value, base: Value, dy: Value, beta: number): readonly [Value, Value] {
  if (beta === 0.75) {
    const root = sqrt(base);
    const fourth = sqrt(root);
    const power = mul(root, fourth);
    const dPower = neg(mul(dy, div(div(x, power), power)));
    const dFourth = mul(dPower, root);
    const dRoot = add(mul(dPower, fourth), div(mul(dFourth, constant(0.5)), fourth));
    return [div(dy, power), div(mul(dRoot, constant(0.5)), root)];
  }
  if (beta === 0.5) {
    const root = sqrt(base);
    const dRoot = neg(mul(dy, div(div(x, root), root)));
    return [div(dy, root), div(mul(dRoot, constant(0.5)), root)];
  }
  if (beta === 1) return [div(dy, base), neg(mul(dy, div(div(x, base), base)))];
  const exponent = constant(-beta);
  const dPower = mul(dy, x);
  const slope = mul(exponent, pow(base, sub(exponent, constant(1))));
  return [mul(dy, pow(base, exponent)), mul(dPower, slope)];
}
