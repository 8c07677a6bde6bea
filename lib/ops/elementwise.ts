import {
  apply,
  broadcastShape,
  constant,
  type DType,
  type Op,
  sameShape,
  type TensorType,
  type Value,
} from "../graph/index.js";
import { meaning } from "./meaning.js";

type Vjp = (inputs: readonly Value[], dy: Value, y: Value) => readonly (Value | null)[];

/** An op whose ONNX node has the same name and takes its inputs and no attributes. */
function plain(
  name: string,
  arity: number,
  infer: (...types: readonly TensorType[]) => TensorType,
  vjp?: Vjp,
): Op<null> {
  return {
    name,
    arity,
    infer: (_, ...types) => [infer(...types)],
    onnx: (node) => ({ opType: name, inputs: node.inputs, attributes: {} }),
    ...(vjp && { vjp: (node, dy) => vjp(node.inputs, dy, node.outputs[0]!) }),
  };
}

const unaryOp = (name: string, vjp?: (x: Value, dy: Value, y: Value) => Value) =>
  plain(name, 1, (x) => x!, vjp && (([x], dy, y) => [vjp(x!, dy, y)]));

function binaryType(name: string, a: TensorType, b: TensorType): TensorType {
  if (a.dtype !== b.dtype) throw new Error(`${name} of ${a.dtype} and ${b.dtype}`);
  return { dtype: a.dtype, shape: broadcastShape(a.shape, b.shape) };
}

const binaryOp = (name: string, vjp?: (a: Value, b: Value, dy: Value, y: Value) => readonly (Value | null)[]) =>
  plain(name, 2, (a, b) => binaryType(name, a!, b!), vjp && (([a, b], dy, y) => vjp(a!, b!, dy, y)));

const compareOp = (name: string) =>
  plain(name, 2, (a, b) => ({ dtype: "bool", shape: binaryType(name, a!, b!).shape }));

export const Add = binaryOp("Add", (_a, _b, dy) => [dy, dy]);
export const Sub = binaryOp("Sub", (_a, _b, dy) => [dy, neg(dy)]);
export const Mul = binaryOp("Mul", (a, b, dy) => [mul(dy, b), mul(dy, a)]);
export const Div = binaryOp("Div", (_a, b, dy, y) => [div(dy, b), neg(mul(dy, div(y, b)))]);
/** x^p. Gradient p*x^(p-1) to the base alone: Caffe's exponents are constants. */
export const Pow = binaryOp("Pow", (x, p, dy) => [mul(dy, mul(p, pow(x, sub(p, constant(1))))), null]);
/** The gradient goes to the first of equal inputs, as Caffe's first maximum wins. */
export const Max = binaryOp("Max", (a, b, dy) => {
  const second = cast(less(a, b), "float32");
  return [mul(dy, sub(constant(1), second)), mul(dy, second)];
});
export const Min = binaryOp("Min", (a, b, dy) => {
  const second = cast(less(b, a), "float32");
  return [mul(dy, sub(constant(1), second)), mul(dy, second)];
});
export const Mod = binaryOp("Mod");

export const Neg = unaryOp("Neg", (_x, dy) => neg(dy));
export const Abs = unaryOp("Abs", (x, dy) => mul(dy, sign(x)));
export const Sign = unaryOp("Sign");
export const Floor = unaryOp("Floor");
export const Exp = unaryOp("Exp", (_x, dy, y) => mul(dy, y));
export const Log = unaryOp("Log", (x, dy) => div(dy, x));
export const Sqrt = unaryOp("Sqrt", (_x, dy, y) => div(mul(dy, constant(0.5)), y));
export const Sigmoid = unaryOp("Sigmoid", (_x, dy, y) => mul(dy, mul(y, sub(constant(1), y))));
export const Cos = unaryOp("Cos", (x, dy) => neg(mul(dy, sin(x))));
export const Sin = unaryOp("Sin", (x, dy) => mul(dy, cos(x)));
/** The angle of a cosine, between 0 and pi. */
export const Acos = unaryOp("Acos", (x, dy) => neg(div(dy, sqrt(sub(constant(1), mul(x, x))))));
export const Tanh = unaryOp("Tanh", (_x, dy, y) => mul(dy, sub(constant(1), mul(y, y))));
/** log(1 + e^x), without overflow. */
export const Softplus = unaryOp("Softplus", (x, dy) => mul(dy, sigmoid(x)));
/** max(x, 0); its gradient at 0 is 0, as in Caffe. */
export const Relu = unaryOp("Relu", (_x, dy, y) => apply(ReluGrad, null, dy, y));
/** The gradient of Relu: dy where y is above 0, else 0. */
export const ReluGrad = meaning<null>("ReluGrad", 2, (_, dy) => [dy!]);

export const Greater = compareOp("Greater");
export const GreaterOrEqual = compareOp("GreaterOrEqual");
export const Less = compareOp("Less");
export const Equal = compareOp("Equal");
export const And = compareOp("And");
export const Or = compareOp("Or");
export const Not = unaryOp("Not");

/** Where(condition, a, b): elements of a where the condition holds, else of b. */
export const Where: Op<null> = plain(
  "Where",
  3,
  (c, a, b) => ({ dtype: a!.dtype, shape: broadcastShape(c!.shape, binaryType("Where", a!, b!).shape) }),
  ([c, ,], dy) => [null, where(c!, dy, constant(0)), where(c!, constant(0), dy)],
);

/** The same values, no gradient: Caffe's `propagate_down: false`, and labels. */
export const StopGradient: Op<null> = {
  name: "StopGradient",
  arity: 1,
  infer: (_, x) => [x!],
  onnx: (node) => ({ opType: "Identity", inputs: node.inputs, attributes: {} }),
};

/** The first input, with the gradient of the second: where Caffe's backward is not the derivative of its forward. The second is never computed. */
export const WithGradientOf: Op<null> = {
  name: "WithGradientOf",
  arity: 2,
  infer: (_, x, path) => {
    if (!sameShape(x!.shape, path!.shape)) throw new Error(`[${x!.shape}] with the gradient of [${path!.shape}]`);
    return [x!];
  },
  onnx: (node) => ({ opType: "Identity", inputs: [node.inputs[0]!], attributes: {} }),
  vjp: (_, dy) => [null, dy],
};

/** Gradient by a given formula, not derived: one for each of some inputs, from that of the value; null for none. */
export type GivenGradient = (dy: Value) => readonly (Value | null)[];

/** The first input, whose gradient goes to the others as `gradient` says: of a plugin, which has one of its own. */
export const OwnGradient: Op<{ readonly gradient: GivenGradient }> = {
  name: "OwnGradient",
  arity: [1, Number.POSITIVE_INFINITY],
  infer: (_, x) => [x!],
  onnx: (node) => ({ opType: "Identity", inputs: [node.inputs[0]!], attributes: {} }),
  vjp: ({ attrs, inputs }, dy) => {
    const gradients = attrs.gradient(dy);
    if (gradients.length !== inputs.length - 1)
      throw new Error(`${gradients.length} gradients are given for ${inputs.length - 1} inputs`);
    return [null, ...gradients];
  },
};

/** The same values; a gradient that is kept within -limit and limit. */
export const BoundGradient: Op<{ readonly limit: number }> = {
  name: "BoundGradient",
  arity: 1,
  infer: (_, x) => [x!],
  onnx: (node) => ({ opType: "Identity", inputs: node.inputs, attributes: {} }),
  vjp: ({ attrs: { limit } }, dy) => [max(min(dy, constant(limit)), constant(-limit))],
};

/** ONNX's element type numbers (TensorProto.DataType). */
export const onnxType = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
} as const satisfies Record<DType, number>;

/** Converts elements; float to int truncates. Gradients pass between float types only. */
export const Cast: Op<{ readonly to: DType }> = {
  name: "Cast",
  arity: 1,
  infer: ({ to }, x) => [{ dtype: to, shape: x!.shape }],
  onnx: (node) => ({ opType: "Cast", inputs: node.inputs, attributes: { to: { i: onnxType[node.attrs.to] } } }),
  vjp: (node, dy) => {
    const from = node.inputs[0]!.type.dtype;
    return [from.startsWith("float") && node.attrs.to.startsWith("float") ? cast(dy, from) : null];
  },
};

export const add = (a: Value, b: Value): Value => apply(Add, null, a, b);
export const sub = (a: Value, b: Value): Value => apply(Sub, null, a, b);
export const mul = (a: Value, b: Value): Value => apply(Mul, null, a, b);
export const div = (a: Value, b: Value): Value => apply(Div, null, a, b);
export const pow = (x: Value, p: Value): Value => apply(Pow, null, x, p);
export const max = (a: Value, b: Value): Value => apply(Max, null, a, b);
export const min = (a: Value, b: Value): Value => apply(Min, null, a, b);
export const mod = (a: Value, b: Value): Value => apply(Mod, null, a, b);
export const neg = (x: Value): Value => apply(Neg, null, x);
export const abs = (x: Value): Value => apply(Abs, null, x);
export const sign = (x: Value): Value => apply(Sign, null, x);
export const floor = (x: Value): Value => apply(Floor, null, x);
export const ceil = (x: Value): Value => neg(floor(neg(x)));
/** As C's round: halves away from 0. */
export const roundAway = (x: Value): Value => mul(sign(x), floor(add(abs(x), constant(0.5))));
export const exp = (x: Value): Value => apply(Exp, null, x);
export const log = (x: Value): Value => apply(Log, null, x);
export const sqrt = (x: Value): Value => apply(Sqrt, null, x);
export const cos = (x: Value): Value => apply(Cos, null, x);
export const sin = (x: Value): Value => apply(Sin, null, x);
export const acos = (x: Value): Value => apply(Acos, null, x);
export const sigmoid = (x: Value): Value => apply(Sigmoid, null, x);
export const softplus = (x: Value): Value => apply(Softplus, null, x);
export const tanh = (x: Value): Value => apply(Tanh, null, x);
export const relu = (x: Value): Value => apply(Relu, null, x);
export const greater = (a: Value, b: Value): Value => apply(Greater, null, a, b);
export const greaterOrEqual = (a: Value, b: Value): Value => apply(GreaterOrEqual, null, a, b);
export const less = (a: Value, b: Value): Value => apply(Less, null, a, b);
export const equal = (a: Value, b: Value): Value => apply(Equal, null, a, b);
export const and = (a: Value, b: Value): Value => apply(And, null, a, b);
export const or = (a: Value, b: Value): Value => apply(Or, null, a, b);
export const not = (a: Value): Value => apply(Not, null, a);
export const where = (condition: Value, a: Value, b: Value): Value => apply(Where, null, condition, a, b);
export const stopGradient = (x: Value): Value => apply(StopGradient, null, x);
/** x, with the gradient of `path`, a value of the same shape that is never computed. */
export const ownGradient = (x: Value, wrt: readonly Value[], gradient: GivenGradient): Value =>
  apply(OwnGradient, { gradient }, x, ...wrt);
export const withGradientOf = (x: Value, path: Value): Value => apply(WithGradientOf, null, x, path);
/** x converted to `to`; x itself where it has that type already. */
export const boundGradient = (x: Value, limit: number): Value => apply(BoundGradient, { limit }, x);
export const cast = (x: Value, to: DType): Value => (x.type.dtype === to ? x : apply(Cast, { to }, x));
