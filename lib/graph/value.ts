import type { DType, TensorType } from "./type.js";

/** Raw elements of a constant. int64 is held as BigInt64Array, float16 as its bits, bool as Uint8Array of 0 and 1. */
export type Elements = Float32Array | Uint16Array | BigInt64Array | Int32Array | Int8Array | Uint8Array;

/** A tensor known when the graph is built. */
export interface Constant {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Elements;
}

/** One output of a node. A graph is whatever a Value reaches: no builder, no registry, nothing mutated. */
export interface Value {
  readonly node: Node;
  readonly index: number;
  readonly type: TensorType;
}

/** An op applied to values. `label` is the Caffe layer it came from; profiles and errors show it. */
export interface Node<A = unknown> {
  readonly op: Op<A>;
  readonly attrs: A;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly label: string;
}

/**
 * A graph that a node runs inside, as a loop does. It is closed: its outputs depend on its own input leaves and on constants alone,
 * so that it can be rewritten, printed and written apart from the graph around it.
 */
export interface Body {
  /** Input leaves. */
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** An ONNX attribute, with the field of AttributeProto that it fills. */
export type Attribute =
  | { readonly i: number }
  | { readonly f: number }
  | { readonly s: string }
  | { readonly ints: readonly number[] };

/** A body as an ONNX node has it. */
export interface OnnxBody extends Body {
  /** Leaves of the body that stand for values outside of it, which ONNX's bodies may read; they are not among `inputs`. */
  readonly captured?: ReadonlyMap<Value, Value>;
}

/** The one ONNX node that an op is. Inputs that ONNX takes as tensors but netrun knows (axes, pads) are constants. */
export interface OnnxCall {
  /** ONNX's own operators where undefined. */
  readonly domain?: string;
  readonly opType: string;
  readonly inputs: readonly (Value | Constant | null)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Outputs from this index on are optional in ONNX, and left out where nothing uses them. */
  readonly optionalFrom?: number;
  /** Attributes that are graphs. */
  readonly bodies?: Readonly<Record<string, OnnxBody>>;
}

/** A tensor operation: its rules side by side. One op is exactly one ONNX node. */
export interface Op<A = unknown> {
  readonly name: string;
  readonly arity: number | readonly [min: number, max: number];
  /** One type per output. Throws a plain Error for what only a faulty lowering can build. */
  infer(attrs: A, ...inputs: readonly TensorType[]): readonly TensorType[];
  onnx(node: Node<A>): OnnxCall;
  /** The graphs among the attributes, by name, and the attributes with other graphs; absent for ops that run none. */
  readonly bodies?: {
    of(attrs: A): Readonly<Record<string, Body>>;
    replaced(attrs: A, bodies: Readonly<Record<string, Body>>): A;
  };
  /** Multiplications of one run, each with an addition; absent for ops whose cost is in moving data. */
  multiplyAdds?(node: Node<A>): number;
  /**
   * Gradients of the inputs given dy, the gradient of output 0 (further outputs are indices and masks, which have none).
   * Null: no gradient to that input. A gradient may still have broadcast dims: the reverse walk sums them away.
   */
  vjp?(node: Node<A>, dy: Value): readonly (Value | null)[];
}

let currentLabel = "";
let nodesOfLabel = 0;

/** More nodes than a layer can need: a damaged net may ask for billions (timesteps, windows), which no memory holds. */
const MAX_NODES = 200_000;

/** Runs `build`; nodes made meanwhile carry `label`. Throws RangeError if they are more than any layer needs. */
export function labelled<T>(label: string, build: () => T): T {
  const before = [currentLabel, nodesOfLabel] as const;
  [currentLabel, nodesOfLabel] = [label, 0];
  try {
    return build();
  } finally {
    [currentLabel, nodesOfLabel] = before;
  }
}

/** Applies an op; returns all its outputs. Throws if the arity or the types do not fit. */
export function applyAll<A>(op: Op<A>, attrs: A, ...inputs: readonly Value[]): readonly Value[] {
  const [min, max] = typeof op.arity === "number" ? [op.arity, op.arity] : op.arity;
  if (inputs.length < min || inputs.length > max)
    throw new Error(`${op.name} takes ${op.arity} inputs, not ${inputs.length}`);
  if (++nodesOfLabel > MAX_NODES && currentLabel !== "") throw new RangeError(`more than ${MAX_NODES} operations`);
  const types = op.infer(attrs, ...inputs.map((value) => value.type));
  const outputs: Value[] = [];
  const node: Node<A> = { op, attrs, inputs, outputs, label: currentLabel };
  types.forEach((type, index) => {
    outputs.push({ node: node as Node, index, type });
  });
  return outputs;
}

/** Applies an op that is used for its first output. */
export function apply<A>(op: Op<A>, attrs: A, ...inputs: readonly Value[]): Value {
  return applyAll(op, attrs, ...inputs)[0]!;
}
