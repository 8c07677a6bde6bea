import { apply, type Node, type Op, type Value } from "../../graph/index.js";
import { fromBlocked, fromPlain, type Layouts } from "./layout.js";

/** A node of the graph and what its inputs have become, in either layout. */
export interface Site<A = unknown> {
  readonly node: Node<A>;
  readonly inputs: readonly Layouts[];
  /** Channels of a block: 8 with AVX2, 16 with AVX-512. */
  readonly block: number;
  /** Nodes that use a value of the graph. */
  users(of: Value): readonly Node[];
  /** What several nodes compute from the same values, by a key that names them: a pooling and its gradient. */
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
  build(site: Site): readonly Layouts[] | undefined;
}

/** The shape of an input of the node, as the graph has it. */
export const shapeOf = (site: Site, index: number): readonly number[] => site.node.inputs[index]!.type.shape;

/** Typed attributes of the node, which its op's name tells. */
export const attrsOf = <A>(site: Site): A => site.node.attrs as A;

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
    if (!node.inputs.every(({ type }) => sameDims(type.shape, shape))) return undefined;
    const values = inputs.map((input) => input.blocked());
    return [fromBlocked(apply(node.op as Op, node.attrs, ...values), shape[1]!, block)];
  },
};

const sameDims = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((d, i) => d === b[i]);

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

/** The node on plain inputs: what every op is without a formulation. */
export function plainNode({ inputs, block }: Site, build: (inputs: readonly Value[]) => readonly Value[]) {
  return build(inputs.map((input) => input.plain())).map((value) => fromPlain(value, block));
}
