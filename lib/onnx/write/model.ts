import { computed, Input, inputName, isOp, type Node, type Value } from "../../graph/index.js";
import { onnxType } from "../../ops/index.js";
import { modelParts, type Part } from "../parts.js";
import { type Dim, valueInfo } from "../schema.js";
import { type InitializerOptions, Initializers } from "./initializers.js";
import { Names } from "./names.js";
import { irVersion, OPSETS } from "./opset.js";
import { Scope, type WantedNames } from "./scope.js";
import { SymbolicShapes } from "./symbolic.js";

/**
 * The same net lowered for several shapes of its inputs: what differs between them is what a file leaves open.
 * `outputs` are what the file computes; `blobs` name values inside.
 */
export type Probe = WantedNames;

/** Options of writing a file. */
export interface WriteOptions extends InitializerOptions {
  readonly name: string;
  /** Default 17. */
  readonly opset?: number;
  /** The order of the inputs' declarations; some need not be in the file. Default: as they are computed with. */
  readonly inputs?: readonly string[];
  /** Names of open dims by input name and axis: "data/0" is "N". */
  readonly dimNames?: ReadonlyMap<string, string>;
  readonly metadata?: Readonly<Record<string, string>>;
  /** True if the one node that a layer has become has the layer's bare name; else every node is called LAYER/OP. Default false. */
  readonly bareNames?: boolean;
  /** True if the first output is an empty sequence, by whose refusal a session knows that the others are written. Default false. */
  readonly marker?: boolean;
  /** Inputs and outputs whose first dim is open though all probes have the same; nothing else may depend on it. */
  readonly open?: ReadonlySet<string> | undefined;
}

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
  /** The input leaves by name: those that some output depends on. */
  readonly leaves: ReadonlyMap<string, Value>;
  readonly nodes: number;
  /** The name of the empty sequence. */
  readonly marker: string | undefined;
}

/**
 * Writes a model that holds for all the probes' shapes. Throws NotFree, naming the layer, where none does, and a plain Error where two
 * input leaves have the same name.
 */
export function write(probes: readonly Probe[], options: WriteOptions): Written {
  return new ModelWriter(probes, options).write();
}

type Declared = Readonly<Record<string, readonly Dim[]>>;

class ModelWriter {
  readonly #options: WriteOptions;
  readonly #opset: number;
  readonly #probes: readonly Probe[];
  readonly #orders: readonly (readonly Node[])[];
  readonly #shapes: SymbolicShapes;
  readonly #names = new Names();
  /** Targets use version 1 of each. */
  readonly #domains = new Set<string>();
  readonly #initializers: Initializers;
  readonly #leaves = new Map<string, Value>();
  readonly #scope: Scope;

  constructor(probes: readonly Probe[], options: WriteOptions) {
    this.#options = options;
    this.#opset = options.opset ?? OPSETS.default;
    this.#probes = probes;
    this.#orders = probes.map(({ outputs }) => computed(outputs.values()));
    this.#initializers = new Initializers(this.#names, options);
    this.#shapes = new SymbolicShapes(options.dimNames ?? new Map(), {
      emit: (node) => this.#scope.nodes.push(node),
      unique: (wanted) => this.#names.unique(wanted),
      constant: (constant) => this.#initializers.add(constant, "const"),
    });
    const file = {
      opset: this.#opset,
      names: this.#names,
      nodeNames: new Names(),
      initializers: this.#initializers,
      bareNames: options.bareNames ?? false,
      domains: this.#domains,
    };
    this.#scope = new Scope(file, this.#orders, probes[0]!, this.#shapes);
  }

  write(): Written {
    const { outputs } = this.#probes[0]!;
    const inputs = this.#declareInputs();
    for (const name of outputs.keys()) this.#names.reserve(name);
    const marker = this.#options.marker ? this.#names.unique("marker") : undefined;
    this.#scope.write(outputs);
    const outputDims = Object.fromEntries(
      [...outputs.keys()].map((name) => [name, this.#dims(name, (probe) => probe.outputs.get(name)!)]),
    );
    return {
      files: (externalData) => this.#encode(inputs, outputDims, externalData, marker),
      inputs,
      outputs: outputDims,
      leaves: this.#leaves,
      nodes: this.#scope.nodes.length,
      marker,
    };
  }

  #declareInputs(): Declared {
    const inputs: Record<string, readonly Dim[]> = {};
    this.#orders[0]!.forEach((node, i) => {
      if (!isOp(node, Input)) return;
      const value = node.outputs[0]!;
      const name = inputName(value)!;
      if (this.#leaves.has(name)) throw new Error(`two inputs are named ${name}`);
      this.#leaves.set(name, value);
      this.#names.reserve(name);
      this.#scope.values.set(value, name);
      this.#shapes.addInput(
        name,
        this.#orders.map((order) => order[i]!.outputs[0]!.type.shape),
      );
      inputs[name] = this.#dims(name, (_, k) => this.#orders[k]![i]!.outputs[0]!);
    });
    const order = this.#options.inputs;
    if (!order) return inputs;
    return Object.fromEntries(Object.entries(inputs).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)));
  }

  #dims(name: string, of: (probe: Probe, k: number) => Value): readonly Dim[] {
    const shapes = this.#probes.map((probe, k) => of(probe, k).type.shape);
    return shapes[0]!.map((_, axis) =>
      axis === 0 && this.#options.open?.has(name)
        ? `${name}_0`
        : this.#shapes.dim(
            name,
            axis,
            shapes.map((shape) => shape[axis]!),
          ),
    );
  }

  #encode(inputs: Declared, outputs: Declared, externalData: string | undefined, marker: string | undefined): Files {
    const { name, metadata = {} } = this.#options;
    const { small, large } = this.#initializers;
    const values = this.#probes[0]!.outputs;
    const model = {
      ir_version: irVersion(this.#opset),
      producer_name: "netrun",
      opset_import: [
        { domain: "", version: this.#opset },
        ...[...this.#domains].map((domain) => ({ domain, version: 1 })),
      ],
      metadata_props: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    };
    const graph = {
      name: name === "" ? "net" : name,
      node: [...(marker === undefined ? [] : [emptySequence(marker)]), ...this.#scope.nodes],
      initializer: externalData === undefined ? small : [...small, ...this.#beside(externalData)],
      input: Object.entries(inputs).map(([leaf, dims]) =>
        valueInfo(leaf, onnxType[this.#leaves.get(leaf)!.type.dtype], dims),
      ),
      output: [
        ...(marker === undefined ? [] : [sequenceInfo(marker)]),
        ...Object.entries(outputs).map(([end, dims]) => valueInfo(end, onnxType[values.get(end)!.type.dtype], dims)),
      ],
    };
    return externalData === undefined
      ? { model: modelParts(model, graph, large), externalData: [] }
      : { model: modelParts(model, graph, []), externalData: large.map(({ data }) => data) };
  }

  /** The large tensors as what says where they are in a file beside the model. */
  #beside(location: string): readonly object[] {
    let offset = 0;
    return this.#initializers.large.map(({ fields, data: { length } }) => {
      const entries = { location, offset: String(offset), length: String(length) };
      offset += length;
      const external_data = Object.entries(entries).map(([key, value]) => ({ key, value }));
      return { ...fields, data_location: 1, external_data };
    });
  }
}

const emptySequence = (name: string) => ({ name, op_type: "SequenceEmpty", input: [], output: [name], attribute: [] });

const sequenceInfo = (name: string) => ({
  name,
  type: { sequence_type: { elem_type: { tensor_type: { elem_type: onnxType.float32 } } } },
});
