import { NetrunError } from "../error.js";
import {
  Const,
  type Constant,
  type Elements,
  Input,
  inputName,
  isOp,
  type Node,
  type OnnxCall,
  type Value,
} from "../graph/index.js";
import { attributeProto, computed, isLeaf, littleEndian } from "../onnx/emit.js";
import { modelParts, type Part, type PartTensor } from "../onnx/parts.js";
import type { NodeProto, ValueInfoProto } from "../onnx/schema.js";
import { onnxType } from "../ops/index.js";
import { forOpset, irVersion } from "./opset.js";
import { INPUT_ROLES } from "./roles.js";
import { SymbolicShapes } from "./symbolic.js";

/**
 * The same net lowered for several shapes of its inputs: what differs between them is what a file leaves open.
 * `outputs` are what the file computes; `blobs` name values inside.
 */
export interface Probe {
  readonly outputs: ReadonlyMap<string, Value>;
  readonly blobs: ReadonlyMap<string, Value>;
}

/** How to write a file. */
export interface WriteOptions {
  readonly name: string;
  readonly opset: number;
  /** The net's inputs, in its order; some need not be in the file. */
  readonly inputs: readonly string[];
  /** Names of open dims by input name and axis: "data/0" is "N". */
  readonly dimNames: ReadonlyMap<string, string>;
  /** Names of weights by their elements, for initializers. */
  readonly weightNames: ReadonlyMap<unknown, string>;
  readonly metadata: Readonly<Record<string, string>>;
  /** A constant's elements, computed where that was put off. */
  readonly elements: (data: Elements) => Elements;
}

/** A dim of a declared shape: a number or the name of an open one. */
export type Dim = number | string;

/** A model's file and that of its weights, as parts in order; no parts of the second where the first has them. */
export interface Files {
  readonly model: readonly Part[];
  readonly externalData: readonly Part[];
}

/** A written file and what it takes and gives. */
export interface Written {
  /** The files' parts: the weights in the model, or in a file of this name beside it. */
  files(externalData: string | undefined): Files;
  readonly inputs: Readonly<Record<string, readonly Dim[]>>;
  readonly outputs: Readonly<Record<string, readonly Dim[]>>;
  readonly nodes: number;
}

/** Thrown where something depends on a dim that was to be left open. */
export class NotFree extends NetrunError {}

/** Weights below this stay in the model's head, even where there is an external data file. */
const LARGE_BYTES = 1024;

/** Writes a model that holds for all the probes' shapes. Throws NotFree, naming the layer, where none does. */
export function write(probes: readonly Probe[], options: WriteOptions): Written {
  return new Writer(probes, options).write();
}

class Writer {
  readonly #options: WriteOptions;
  readonly #probes: readonly Probe[];
  readonly #orders: readonly (readonly Node[])[];
  readonly #shapes: SymbolicShapes;
  readonly #values = new Map<Value, string>();
  readonly #taken = new Set<string>();
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: object[] = [];
  readonly #constants = new Map<string, string>();
  readonly #weightNames = new Map<unknown, string>();
  readonly #large: PartTensor[] = [];

  constructor(probes: readonly Probe[], options: WriteOptions) {
    this.#options = options;
    this.#probes = probes;
    this.#orders = probes.map(({ outputs }) => computed(outputs.values()));
    this.#checkSame();
    this.#shapes = new SymbolicShapes(options.dimNames, {
      emit: (node) => this.#nodes.push(node),
      unique: (wanted) => this.#unique(wanted),
      constant: (constant) => this.#constant(constant, "const"),
    });
  }

  /** Names of weights, those that passes made included: a layer's name and the blob's index, of BatchNormalization what it is. */
  #nameWeights(): void {
    for (const [data, name] of this.#options.weightNames) this.#weightNames.set(data, name);
    for (const node of this.#orders[0]!) {
      INPUT_ROLES[node.op.name]?.forEach((role, i) => {
        const input = node.inputs[i + 1]?.node;
        if (!input || !isOp(input, Const) || node.label === "") return;
        const { data } = input.attrs as Constant;
        if (!this.#weightNames.has(data)) this.#weightNames.set(data, `${node.label}/${role}`);
      });
    }
  }

  write(): Written {
    this.#nameWeights();
    const { outputs, blobs } = this.#probes[0]!;
    const inputs = this.#declareInputs();
    const wanted = new Map<Value, string>();
    for (const [name, value] of blobs) if (!isLeaf(value.node)) wanted.set(value, name);
    const isEnd = new Map<Value, string>();
    for (const [name, value] of outputs) if (!isLeaf(value.node) && !isEnd.has(value)) isEnd.set(value, name);
    for (const [value, name] of isEnd) wanted.set(value, name);
    for (const name of outputs.keys()) this.#taken.add(name);
    this.#orders[0]!.forEach((node, i) => {
      if (isLeaf(node)) this.#leaf(node, i);
      else this.#node(i, wanted, isEnd);
    });
    for (const [name, value] of outputs) {
      if (this.#values.get(value) === name) continue;
      this.#nodes.push({
        name: this.#unique(`${name}/output`),
        op_type: "Identity",
        input: [this.#values.get(value)!],
        output: [name],
        attribute: [],
      });
    }
    const outputDims = Object.fromEntries(
      [...outputs.keys()].map((name) => [name, this.#dims(name, (probe) => probe.outputs.get(name)!)]),
    );
    return {
      files: (externalData) => this.#encode(inputs, outputDims, externalData),
      inputs: inputs,
      outputs: outputDims,
      nodes: this.#nodes.length,
    };
  }

  #encode(
    inputs: Readonly<Record<string, readonly Dim[]>>,
    outputs: Readonly<Record<string, readonly Dim[]>>,
    externalData: string | undefined,
  ): Files {
    const { name, opset, metadata } = this.#options;
    const declare = ([blob, dims]: [string, readonly Dim[]]): ValueInfoProto => {
      const dim = dims.map((d) => (typeof d === "number" ? { dim_value: d } : { dim_param: d }));
      return { name: blob, type: { tensor_type: { elem_type: onnxType.float32, shape: { dim } } } };
    };
    const model = {
      ir_version: irVersion(opset),
      producer_name: "netrun",
      opset_import: [{ domain: "", version: opset }],
      metadata_props: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    };
    const graph = {
      name: name === "" ? "net" : name,
      node: this.#nodes,
      initializer:
        externalData === undefined ? this.#initializers : [...this.#initializers, ...this.#beside(externalData)],
      input: Object.entries(inputs).map(declare),
      output: Object.entries(outputs).map(declare),
    };
    return externalData === undefined
      ? { model: modelParts(model, graph, this.#large), externalData: [] }
      : { model: modelParts(model, graph, []), externalData: this.#large.map(({ data }) => data) };
  }

  /** The large tensors as what says where they are in a file beside the model. */
  #beside(location: string): readonly object[] {
    let offset = 0;
    return this.#large.map(({ fields, data: { length } }) => {
      const entries = { location, offset: String(offset), length: String(length) };
      offset += length;
      const external_data = Object.entries(entries).map(([key, value]) => ({ key, value }));
      return { ...fields, data_location: 1, external_data };
    });
  }

  /** All probes must have the same nodes. */
  #checkSame(): void {
    const [first, ...others] = this.#orders;
    for (const order of others) {
      first!.forEach((node, i) => {
        const other = order[i];
        if (other?.op !== node.op || other.label !== node.label)
          throw new NotFree(`layer "${node.label}" is computed otherwise for other shapes`);
      });
      if (order.length !== first!.length) throw new NotFree("the net has other nodes for other shapes");
    }
  }

  #declareInputs(): Readonly<Record<string, readonly Dim[]>> {
    const inputs: Record<string, readonly Dim[]> = {};
    this.#orders[0]!.forEach((node, i) => {
      if (!isOp(node, Input)) return;
      const value = node.outputs[0]!;
      const name = inputName(value)!;
      this.#taken.add(name);
      this.#values.set(value, name);
      this.#shapes.addInput(
        name,
        this.#orders.map((order) => order[i]!.outputs[0]!.type.shape),
      );
      inputs[name] = this.#dims(name, (_, k) => this.#orders[k]![i]!.outputs[0]!);
    });
    const place = (name: string) => this.#options.inputs.indexOf(name);
    return Object.fromEntries(Object.entries(inputs).sort(([a], [b]) => place(a) - place(b)));
  }

  #dims(name: string, of: (probe: Probe, k: number) => Value): readonly Dim[] {
    const shapes = this.#probes.map((probe, k) => of(probe, k).type.shape);
    return shapes[0]!.map(
      (dim, axis) =>
        this.#shapes.dim(
          name,
          axis,
          shapes.map((shape) => shape[axis]!),
        ) ?? dim,
    );
  }

  #leaf(node: Node, i: number): void {
    if (!isOp(node, Const)) return;
    const [first, ...others] = this.#orders.map((order) => order[i]!.attrs as Constant);
    if (others.some((other) => !equalConstants(first!, other)))
      throw new NotFree(`a constant of layer "${node.label}" depends on the shape of the input`);
    this.#values.set(node.outputs[0]!, this.#constant(first!, node.label === "" ? "const" : `${node.label}/constant`));
  }

  #node(i: number, wanted: ReadonlyMap<Value, string>, isEnd: ReadonlyMap<Value, string>): void {
    const nodes = this.#orders.map((order) => order[i]!);
    const node = nodes[0]!;
    const calls = nodes.map((each) => forOpset(each.op.onnx(each), this.#options.opset));
    const call = calls[0]!;
    const attributes = JSON.stringify(call.attributes);
    if (calls.some((other) => JSON.stringify(other.attributes) !== attributes))
      throw new NotFree(`${call.opType} of layer "${node.label}" depends on the shape of the input`);
    const name = this.#nodeName(node, call.opType);
    const known = new Map(call.inputs.map((_, k) => [k, calls.map((each) => each.inputs[k] as Constant)]));
    const input = call.inputs.map((from, k) => {
      if (from === null) return "";
      if ("node" in from) return this.#values.get(from)!;
      const constants = known.get(k)!;
      if (constants.every((other) => equalConstants(from, other))) return this.#constant(from, "const");
      const shape = this.#shapes.resolve(call.opType, k, nodes, constants);
      if (shape === undefined)
        throw new NotFree(`${call.opType} of layer "${node.label}" depends on the shape of the input`);
      return typeof shape === "string" ? shape : this.#constant(shape, "const");
    });
    while (input.at(-1) === "") input.pop();
    const output = this.#outputs(node, name, call.optionalFrom, wanted, isEnd);
    const attribute = Object.entries(withoutAllowzero(call)).map(([key, a]) => attributeProto(key, a));
    this.#nodes.push({ name, op_type: call.opType, input, output, attribute });
  }

  #outputs(
    node: Node,
    name: string,
    optionalFrom: number | undefined,
    wanted: ReadonlyMap<Value, string>,
    isEnd: ReadonlyMap<Value, string>,
  ) {
    const output: string[] = [];
    for (const value of node.outputs) {
      if (value.index >= (optionalFrom ?? Number.POSITIVE_INFINITY) && !this.#used().has(value)) break;
      const blob = wanted.get(value);
      const own =
        isEnd.get(value) ??
        (blob !== undefined && !this.#taken.has(blob) ? this.#unique(blob) : this.#unique(`${name}:${value.index}`));
      this.#values.set(value, own);
      output.push(own);
    }
    return output;
  }

  #usedValues: ReadonlySet<Value> | undefined;
  #used(): ReadonlySet<Value> {
    this.#usedValues ??= new Set([
      ...this.#orders[0]!.flatMap(({ inputs }) => inputs),
      ...this.#probes[0]!.outputs.values(),
    ]);
    return this.#usedValues;
  }

  readonly #nodeNames = new Set<string>();
  #nodeName(node: Node, opType: string): string {
    const wanted = this.#alone(node) ? node.label : node.label === "" ? opType : `${node.label}/${opType}`;
    let name = wanted;
    for (let k = 2; this.#nodeNames.has(name); k++) name = `${wanted}_${k}`;
    this.#nodeNames.add(name);
    return name;
  }

  #labels: ReadonlyMap<string, number> | undefined;
  /** Whether a layer has become this one node. */
  #alone({ label }: Node): boolean {
    if (!this.#labels) {
      const labels = new Map<string, number>();
      for (const node of this.#orders[0]!) if (!isLeaf(node)) labels.set(node.label, (labels.get(node.label) ?? 0) + 1);
      this.#labels = labels;
    }
    return label !== "" && this.#labels.get(label) === 1;
  }

  /** A free name among values and initializers, which ONNX does not tell apart. */
  #unique(wanted: string): string {
    let name = wanted;
    for (let k = 2; this.#taken.has(name); k++) name = `${wanted}_${k}`;
    this.#taken.add(name);
    return name;
  }

  #constant(constant: Constant, wanted: string): string {
    const { dtype, shape, data } = constant;
    const weight = this.#weightNames.get(data);
    const key =
      weight !== undefined
        ? `${weight}[${shape}]`
        : data.byteLength <= 256
          ? `${dtype}[${shape}]${Buffer.from(littleEndian(data)).toString("latin1")}`
          : undefined;
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.#unique(weight ?? wanted);
    this.#add({ name, dims: shape, data_type: onnxType[dtype] }, data);
    if (key !== undefined) this.#constants.set(key, name);
    return name;
  }

  /** An initializer: small ones go into the model's head, large ones are parts of a file. */
  #add(fields: object, data: Elements): void {
    const { byteLength: length } = data;
    const bytes = () => littleEndian(this.#options.elements(data));
    if (length < LARGE_BYTES) this.#initializers.push({ ...fields, raw_data: bytes() });
    else this.#large.push({ fields, data: { length, bytes } });
  }
}

/** A Reshape that copies dims says so by 0, which allowzero would take for itself; it is for shapes that are empty. */
function withoutAllowzero({ opType, inputs, attributes }: OnnxCall): OnnxCall["attributes"] {
  const { allowzero, ...rest } = attributes;
  if (opType !== "Reshape" || allowzero === undefined) return attributes;
  const shape = inputs[1] as Constant;
  return (shape.data as BigInt64Array).includes(0n) ? attributes : rest;
}

function equalConstants(a: Constant, b: Constant): boolean {
  if (a === b || (a.data === b.data && a.shape.join() === b.shape.join())) return true;
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join() || a.data.length !== b.data.length) return false;
  return Buffer.from(littleEndian(a.data)).equals(littleEndian(b.data));
}
