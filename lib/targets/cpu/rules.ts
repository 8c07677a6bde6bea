import { apply, isOp, type Node, type Op, sameShape, type Value } from "../../graph/index.js";
import { reshape, zeros } from "../../ops/index.js";
import { channelSums, firstEntries } from "./channel-sums.js";
import { fromBlocked, fromPlain, type Layouts } from "./layout.js";
import { BlockedConv } from "./nchwc.js";

/** A node of the graph and what its inputs have become, in either layout. */
export interface RewriteSite<A = unknown> {
  readonly node: Node<A>;
  readonly inputs: readonly Layouts[];
  /** Replacement of a value of the graph by this node or any before it. */
  layoutsOf(value: Value): Layouts;
  /** Channels of a block: 8 with AVX2, 16 with AVX-512. */
  readonly block: number;
  /** Nodes that use a value of the graph. */
  users(of: Value): readonly Node[];
  /** Tests whether a value is used once, and is no output of the graph: what its only user computes instead of it, nobody misses. */
  isInner(value: Value): boolean;
  /** Results that several nodes compute from the same values, by a key that names them: a pooling and its gradient. */
  memo<T>(of: Value, key: string, make: () => T): T;
}

/**
 * A way to compute one op on this machine. `build` gives the outputs, in the layout in which they are made, or undefined where the
 * condition beside it says that another way is faster or that it does not hold.
 */
export interface Formulation {
  readonly name: string;
  /** Names of the ops that it computes. */
  readonly ops: readonly string[];
  build(site: RewriteSite): readonly Layouts[] | undefined;
}

/** The shape of an input of the node, as the graph has it. */
export const shapeOf = (site: RewriteSite, index: number): readonly number[] => site.node.inputs[index]!.type.shape;

/** Typed attributes of the node, which its op's name tells. */
export const attrsOf = <A>(site: RewriteSite): A => site.node.attrs as A;

/** Ops of which an entry of the output depends on the same entry of each input, and which give 0 for zeros. */
const ENTRYWISE: ReadonlySet<string> = new Set([
  "Relu",
  "ReluGrad",
  "Add",
  "Sub",
  "Mul",
  "LeakyRelu",
  "Neg",
  "Sqrt",
  "Max",
]);

/**
 * Entry by entry on blocked inputs, so that values stay blocked from a convolution to the next. Whole blocks may hold any numbers; an
 * incomplete one keeps zeros, since these ops make zeros of zeros.
 */
export const entrywise: Formulation = {
  name: "entrywise in blocks",
  ops: [...ENTRYWISE],
  build({ node, inputs, block }) {
    const { shape } = node.outputs[0]!.type;
    if (shape.length !== 4 || node.outputs.length !== 1 || !inputs.some((input) => input.hasBlocked)) return undefined;
    if (!node.inputs.every(({ type }) => sameShape(type.shape, shape))) return undefined;
    const values = inputs.map((input) => input.blocked());
    return [fromBlocked(apply(node.op as Op, node.attrs, ...values), shape[1]!, block)];
  },
};

/** Values joined along channels, each of whole blocks: a copy of whole blocks, where the plain copy comes with two reorderings. */
export const concatChannels: Formulation = {
  name: "concat in blocks",
  ops: ["Concat"],
  build(site) {
    const { node, inputs, block } = site;
    const { axis } = attrsOf<{ readonly axis: number }>(site);
    const { shape } = node.outputs[0]!.type;
    const whole = node.inputs.every(({ type }) => type.shape.length === 4 && type.shape[1]! % block === 0);
    if (axis !== 1 || !whole || !inputs.every((input) => input.hasBlocked)) return undefined;
    return [fromBlocked(apply(node.op as Op, node.attrs, ...inputs.map((input) => input.blocked())), shape[1]!, block)];
  },
};

/** Sums over batch and space of a value that is in blocks: gradients of biases, and what batch normalisation needs. */
export const channelSum: Formulation = {
  name: "sums of channels in blocks",
  ops: ["ReduceSum"],
  build(site) {
    const { node, inputs, block } = site;
    const { axes } = attrsOf<{ readonly axes: readonly number[] }>(site);
    if (shapeOf(site, 0).length !== 4 || !inputs[0]!.hasBlocked || String(axes) !== "0,2,3") return undefined;
    const sums = firstEntries(channelSums(inputs[0]!.blocked()), shapeOf(site, 0)[1]!);
    return [fromPlain(reshape(sums, node.outputs[0]!.type.shape), block)];
  },
};

/** ReLU of a convolution that nothing else reads: the kernel takes the maximum as it stores. */
export const convRelu: Formulation = {
  name: "ReLU in a convolution",
  ops: ["Relu"],
  build({ node, inputs, block, isInner }) {
    const x = node.inputs[0]!;
    if (!inputs[0]!.hasBlocked || !isInner(x)) return undefined;
    const made = inputs[0]!.blocked().node;
    if (!isOp(made, BlockedConv)) return undefined;
    return [fromBlocked(apply(BlockedConv, { ...made.attrs, relu: true }, ...made.inputs), x.type.shape[1]!, block)];
  },
};

/** Sum of a convolution that nothing else reads and a value in blocks: the kernel adds it as it stores. */
export const convAdd: Formulation = {
  name: "sum in a convolution",
  ops: ["Add"],
  build({ node, inputs, block, isInner }) {
    const [a, b] = node.inputs as [Value, Value];
    if (!inputs.every((input) => input.hasBlocked) || !sameShape(a.type.shape, b.type.shape)) return undefined;
    for (const [from, to] of [
      [1, 0],
      [0, 1],
    ] as const) {
      const made = inputs[from]!.blocked().node;
      if (!isOp(made, BlockedConv) || made.attrs.relu || made.inputs.length > 3 || !isInner(node.inputs[from]!))
        continue;
      const [x, w, bias = zeros([made.inputs[1]!.type.shape[0]!])] = made.inputs as [Value, Value, Value | undefined];
      const sum = apply(BlockedConv, made.attrs, x, w, bias, inputs[to]!.blocked());
      return [fromBlocked(sum, a.type.shape[1]!, block)];
    }
    return undefined;
  },
};

/** The node on plain inputs: what every op is without a formulation. */
export function plainNode({ inputs, block }: RewriteSite, build: (inputs: readonly Value[]) => readonly Value[]) {
  return build(inputs.map((input) => input.plain())).map((value) => fromPlain(value, block));
}
