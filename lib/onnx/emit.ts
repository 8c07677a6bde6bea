import { endianness } from "node:os";
import {
  type Attribute,
  Const,
  type Constant,
  Input,
  inputName,
  type Node,
  type Op,
  topological,
  type Value,
} from "../graph/index.js";
import { onnxType } from "../ops/index.js";
import { attributeType, ModelProto, type NodeProto, type RawTensorProto, valueInfo } from "./schema.js";

/** Opset 17 is the first with all that Caffe's layers need; CUDA kernels stay complete up to 18. */
const OPSET = 17;
const IR_VERSION = 8;

/** A graph with named ends, ready to be written. */
export interface Model {
  readonly name: string;
  readonly outputs: ReadonlyMap<string, Value>;
}

/** A written model and what it really takes: input leaves that no output depends on are not part of it. */
export interface Emitted {
  readonly bytes: Uint8Array;
  readonly inputs: ReadonlyMap<string, Value>;
  readonly outputs: readonly string[];
}

/**
 * Writes a graph as a standard ONNX model: opset 17, no custom ops, nodes named after their Caffe layers.
 * Throws a plain Error if two input leaves share a name.
 */
export function emit({ name, outputs }: Model): Emitted {
  const order = computed(outputs.values());
  const names = new Names();
  const inputs = new Map<string, Value>();
  const used = usedOutputs(order, outputs.values());
  const nodes: NodeProto[] = [];
  for (const node of order) {
    const leaf = node.outputs[0]!;
    if (node.op === (Input as unknown as Op)) {
      const leafName = inputName(leaf)!;
      if (inputs.has(leafName)) throw new Error(`two inputs are named ${leafName}`);
      inputs.set(leafName, leaf);
      names.values.set(leaf, leafName);
    } else if (node.op === (Const as unknown as Op)) {
      names.values.set(leaf, names.constant(node.attrs as Constant));
    }
  }
  const ends = new Map<Value, string>();
  for (const [end, value] of outputs) if (!names.values.has(value) && !ends.has(value)) ends.set(value, end);
  for (const node of order) if (!isLeaf(node)) nodes.push(nodeProto(node, names, ends, used));
  // An end that is a leaf, or a second name of the same value, needs a node of its own.
  for (const [end, value] of outputs) {
    if (names.values.get(value) === end) continue;
    nodes.push({
      name: `${end}/output`,
      op_type: "Identity",
      input: [names.values.get(value)!],
      output: [end],
      attribute: [],
    });
  }
  const model = {
    ir_version: IR_VERSION,
    producer_name: "netrun",
    opset_import: [{ domain: "", version: OPSET }],
    graph: {
      name,
      node: nodes,
      initializer: names.initializers,
      input: [...inputs].map(([n, { type }]) => valueInfo(n, onnxType[type.dtype], type.shape)),
      output: [...outputs].map(([n, { type }]) => valueInfo(n, onnxType[type.dtype], type.shape)),
    },
  };
  return { bytes: ModelProto.encode(ModelProto.fromObject(model)).finish(), inputs, outputs: [...outputs.keys()] };
}

/** What the ends are computed from, inputs before users: not what an op takes for its gradient alone. */
export function computed(ends: Iterable<Value>): readonly Node[] {
  const values = [...ends];
  const order = topological(values);
  const live = new Set(values.map(({ node }) => node));
  for (const node of order.toReversed()) {
    if (!live.has(node) || isLeaf(node)) continue;
    for (const input of node.op.onnx(node).inputs) if (input && "node" in input) live.add(input.node);
  }
  return order.filter((node) => live.has(node));
}

/** Whether a node is an input or a constant. */
export const isLeaf = (node: Node) =>
  node.inputs.length === 0 && (node.op === (Input as unknown as Op) || node.op === (Const as unknown as Op));

/** Names of values and nodes; equal small constants share an initializer. */
class Names {
  readonly values = new Map<Value, string>();
  readonly initializers: RawTensorProto[] = [];
  readonly #constants = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** The wanted name, or the first free one of `wanted_2`, `wanted_3` and so on. */
  unique(wanted: string): string {
    let name = wanted;
    for (let k = 2; this.#taken.has(name); k++) name = `${wanted}_${k}`;
    this.#taken.add(name);
    return name;
  }

  constant({ dtype, shape, data }: Constant): string {
    const bytes = littleEndian(data);
    // Axes, pads and scalars repeat in every node; big tensors do not, and hashing them would cost more than it saves.
    const key = bytes.length <= 256 ? `${dtype}[${shape}]${Buffer.from(bytes).toString("latin1")}` : undefined;
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.unique(`const_${this.initializers.length}`);
    this.initializers.push({ name, dims: shape, data_type: onnxType[dtype], raw_data: bytes });
    if (key !== undefined) this.#constants.set(key, name);
    return name;
  }
}

/** The bytes of elements as ONNX's raw_data has them. */
export function littleEndian(data: Constant["data"]): Uint8Array {
  // ONNX's raw_data is little-endian; so is every machine that onnxruntime-node is built for.
  if (endianness() !== "LE") throw new Error("netrun needs a little-endian machine");
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Values that some node or end uses. */
function usedOutputs(order: readonly Node[], ends: Iterable<Value>): ReadonlySet<Value> {
  const used = new Set<Value>(ends);
  for (const node of order) for (const value of node.inputs) used.add(value);
  return used;
}

function nodeProto(node: Node, names: Names, ends: ReadonlyMap<Value, string>, used: ReadonlySet<Value>): NodeProto {
  const call = node.op.onnx(node);
  const name = names.unique(node.label === "" ? call.opType : `${node.label}/${call.opType}`);
  const input = call.inputs.map((value) => {
    if (value === null) return "";
    return "node" in value ? names.values.get(value)! : names.constant(value);
  });
  const output: string[] = [];
  for (const value of node.outputs) {
    if (value.index >= (call.optionalFrom ?? Number.POSITIVE_INFINITY) && !used.has(value)) break;
    const valueName = ends.get(value) ?? (value.index === 0 ? `${name}:0` : `${name}:${value.index}`);
    names.values.set(value, valueName);
    output.push(valueName);
  }
  const attribute = Object.entries(call.attributes).map(([key, attr]) => attributeProto(key, attr));
  return { name, op_type: call.opType, input, output, attribute };
}

/** An attribute as ONNX writes it. */
export function attributeProto(name: string, attribute: Attribute): object {
  if ("i" in attribute) return { name, type: attributeType.i, i: attribute.i };
  if ("f" in attribute) return { name, type: attributeType.f, f: attribute.f };
  if ("s" in attribute) return { name, type: attributeType.s, s: Buffer.from(attribute.s) };
  return { name, type: attributeType.ints, ints: attribute.ints };
}
