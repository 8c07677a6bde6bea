import { NetrunError } from "../../error.js";
import {
  type Attribute,
  Const,
  type Constant,
  computed,
  inputName,
  isLeaf,
  isOp,
  type Node,
  type OnnxBody,
  type OnnxCall,
  type Value,
} from "../../graph/index.js";
import { onnxType } from "../../ops/index.js";
import { attributeType, type NodeProto, valueInfo } from "../schema.js";
import { equalConstants, type Initializers } from "./initializers.js";
import type { Names } from "./names.js";
import { forOpset } from "./opset.js";
import type { SymbolicShapes } from "./symbolic.js";

/** Thrown where something depends on a dim that was to be left open. */
export class NotFree extends NetrunError {}

/** Common state of all graphs of a file. */
export interface FileState {
  readonly opset: number;
  /** Names of values and initializers, which ONNX does not tell apart. */
  readonly names: Names;
  readonly nodeNames: Names;
  readonly initializers: Initializers;
  /** True if the one node that a layer has become has the layer's bare name; else every node is called LAYER/OP. */
  readonly bareNames: boolean;
  /** The domains beside ONNX's own that nodes are of, those in bodies included. */
  readonly domains: Set<string>;
}

/** Names that values are to have. */
export interface WantedNames {
  /** Outputs of the graph, whose names are reserved. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** Values inside, which get their names where those are free. */
  readonly blobs: ReadonlyMap<string, Value>;
}

/**
 * The nodes of one graph. `orders` has what it computes once for each probe: the same net for other shapes of its inputs; what is
 * named and written are those of the first. `shapes` stands for constants that differ between them; where it is undefined, none may.
 * The graph of a file holds the large constants of its bodies too, which read them there. An output of a body that is a constant is a node.
 */
export class Scope {
  readonly nodes: NodeProto[] = [];
  /** Names of values, the leaves among them by whoever declares them. */
  readonly values = new Map<Value, string>();
  /** The constants of the graph. */
  readonly initializers: Initializers;
  readonly #isBody: boolean;
  readonly #file: FileState;
  readonly #orders: readonly (readonly Node[])[];
  readonly #shapes: SymbolicShapes | undefined;
  /** Values that nodes take, and those that are outputs. */
  readonly #taken: ReadonlySet<Value>;
  readonly #ended: ReadonlySet<Value>;
  readonly #nodesOfLayer = new Map<string, number>();
  readonly #ends = new Map<Value, string>();
  readonly #blobs = new Map<Value, string>();

  constructor(
    file: FileState,
    orders: readonly (readonly Node[])[],
    { outputs, blobs }: WantedNames,
    shapes: SymbolicShapes | undefined,
    outside?: Scope,
  ) {
    this.#isBody = outside !== undefined;
    this.#file = file;
    this.initializers = outside ? outside.initializers.ofBody() : file.initializers;
    this.#orders = orders;
    this.#shapes = shapes;
    checkSame(orders);
    const first = orders[0]!;
    this.#taken = new Set(first.flatMap(({ inputs }) => inputs));
    this.#ended = new Set(outputs.values());
    for (const node of first)
      if (!isLeaf(node)) this.#nodesOfLayer.set(node.label, (this.#nodesOfLayer.get(node.label) ?? 0) + 1);
    for (const [name, value] of outputs) if (!isLeaf(value.node) && !this.#ends.has(value)) this.#ends.set(value, name);
    for (const [name, value] of blobs) if (!isLeaf(value.node)) this.#blobs.set(value, name);
  }

  /** Writes all nodes; input leaves have their names already. Then each output has its name, by a node of its own where needed. */
  write(outputs: ReadonlyMap<string, Value>): void {
    this.#orders[0]!.forEach((node, i) => {
      if (isOp(node, Const)) this.#constant(node, i);
      else if (!isLeaf(node)) this.#node(i);
    });
    for (const [name, value] of outputs) {
      // An output that is a leaf, or a second name of the same value.
      if (this.values.get(value) === name) continue;
      const node = { name: this.#file.names.unique(`${name}/output`), output: [name] };
      const { node: from } = value;
      if (this.#isBody && isOp(from, Const)) {
        const t = this.initializers.inline(from.attrs);
        const attribute = [{ name: "value", type: attributeType.t, t }];
        this.nodes.push({ ...node, op_type: "Constant", input: [], attribute });
      } else this.nodes.push({ ...node, op_type: "Identity", input: [this.values.get(value)!], attribute: [] });
    }
  }

  #constant(node: Node, i: number): void {
    const [first, ...others] = this.#orders.map((order) => order[i]!.attrs as Constant);
    if (others.some((other) => !equalConstants(first!, other)))
      throw new NotFree(`a constant of layer "${node.label}" depends on the shape of the input`);
    if (this.#isBody && !this.#taken.has(node.outputs[0]!)) return;
    const wanted = node.label === "" ? "const" : `${node.label}/constant`;
    this.values.set(node.outputs[0]!, this.initializers.add(first!, wanted));
  }

  #node(i: number): void {
    const nodes = this.#orders.map((order) => order[i]!);
    const node = nodes[0]!;
    const calls = nodes.map((each) => forOpset(each.op.onnx(each), this.#file.opset));
    const call = calls[0]!;
    const dependsOnShape = () =>
      new NotFree(`${call.opType} of layer "${node.label}" depends on the shape of the input`);
    if (calls.length > 1) {
      const attributes = JSON.stringify(call.attributes);
      if (calls.some((other) => JSON.stringify(other.attributes) !== attributes)) throw dependsOnShape();
    }
    const name = this.#nodeName(node, call.opType);
    const input = call.inputs.map((from, k) => {
      if (from === null) return "";
      if ("node" in from) return this.values.get(from)!;
      const constants = calls.map((each) => each.inputs[k] as Constant);
      if (constants.every((other) => equalConstants(from, other))) return this.initializers.add(from, "const");
      const shape = this.#shapes?.resolve(call.opType, k, nodes, constants);
      if (shape === undefined) throw dependsOnShape();
      return typeof shape === "string" ? shape : this.initializers.add(shape, "const");
    });
    while (input.at(-1) === "") input.pop();
    const output = this.#outputs(node, name, call.optionalFrom);
    const attribute: object[] = Object.entries(withoutAllowzero(call)).map(([key, each]) => attributeProto(key, each));
    for (const key of Object.keys(call.bodies ?? {})) {
      const g = this.#body(
        `${name}/${key}`,
        calls.map((each) => each.bodies![key]!),
      );
      attribute.push({ name: key, type: attributeType.g, g });
    }
    const { domain } = call;
    if (domain) this.#file.domains.add(domain);
    this.nodes.push({ name, op_type: call.opType, ...(domain && { domain }), input, output, attribute });
  }

  /** A graph inside a node, once for each probe. What it captures has its name already. */
  #body(name: string, bodies: readonly OnnxBody[]): object {
    const { names } = this.#file;
    const first = bodies[0]!;
    const outputs = new Map(first.outputs.map((value, i) => [names.unique(`${name}:${i}`), value]));
    const orders = bodies.map((body) => computed(body.outputs));
    const scope = new Scope(this.#file, orders, { outputs, blobs: new Map() }, undefined, this);
    for (const [leaf, outside] of first.captured ?? []) scope.values.set(leaf, this.values.get(outside)!);
    for (const leaf of first.inputs) scope.values.set(leaf, names.unique(`${name}/${inputName(leaf)}`));
    scope.write(outputs);
    return {
      name,
      node: scope.nodes,
      initializer: scope.initializers.small,
      input: first.inputs.map((leaf, i) =>
        declared(
          scope.values.get(leaf)!,
          bodies.map((body) => body.inputs[i]!),
        ),
      ),
      output: [...outputs.keys()].map((own, i) =>
        declared(
          own,
          bodies.map((body) => body.outputs[i]!),
        ),
      ),
    };
  }

  #outputs(node: Node, name: string, optionalFrom = Number.POSITIVE_INFINITY): readonly string[] {
    const { names } = this.#file;
    const output: string[] = [];
    for (const value of node.outputs) {
      if (value.index >= optionalFrom && !this.#taken.has(value) && !this.#ended.has(value)) break;
      const blob = this.#blobs.get(value);
      const inside = blob !== undefined && !names.has(blob) ? blob : `${name}:${value.index}`;
      const own = this.#ends.get(value) ?? names.unique(inside);
      this.values.set(value, own);
      output.push(own);
    }
    return output;
  }

  #nodeName({ label }: Node, opType: string): string {
    const isAlone = this.#file.bareNames && label !== "" && this.#nodesOfLayer.get(label) === 1;
    return this.#file.nodeNames.unique(isAlone ? label : label === "" ? opType : `${label}/${opType}`);
  }
}

/** A value of a body with its type; of dims that differ between probes nothing is said. */
function declared(name: string, probes: readonly Value[]): object {
  const { dtype, shape } = probes[0]!.type;
  const isSame = (dim: number, axis: number) => probes.every(({ type }) => type.shape[axis] === dim);
  return valueInfo(
    name,
    onnxType[dtype],
    shape.map((dim, axis) => (isSame(dim, axis) ? dim : undefined)),
  );
}

/** All probes must have the same nodes. */
function checkSame([first, ...others]: readonly (readonly Node[])[]): void {
  for (const order of others) {
    first!.forEach((node, i) => {
      const other = order[i];
      if (other?.op !== node.op || other.label !== node.label)
        throw new NotFree(`layer "${node.label}" is computed differently for other shapes`);
    });
    if (order.length !== first!.length) throw new NotFree("the net has other nodes for other shapes");
  }
}

/** A Reshape that copies dims says so by 0, which allowzero would take for itself; it is for shapes that are empty. */
function withoutAllowzero({ opType, inputs, attributes }: OnnxCall): OnnxCall["attributes"] {
  const { allowzero, ...rest } = attributes;
  if (opType !== "Reshape" || allowzero === undefined) return attributes;
  const shape = inputs[1] as Constant;
  return (shape.data as BigInt64Array).includes(0n) ? attributes : rest;
}

/** An attribute as ONNX writes it. */
function attributeProto(name: string, attribute: Attribute): object {
  if ("i" in attribute) return { name, type: attributeType.i, i: attribute.i };
  if ("f" in attribute) return { name, type: attributeType.f, f: attribute.f };
  if ("s" in attribute) return { name, type: attributeType.s, s: Buffer.from(attribute.s) };
  return { name, type: attributeType.ints, ints: attribute.ints };
}
