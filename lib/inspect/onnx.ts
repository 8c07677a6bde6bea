import { ModelProto } from "../onnx/schema.js";
import { grouped } from "./print.js";

/** An input or output of a model; open dimensions have names, or "?". */
export interface ModelValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

/** An ONNX file: its ends, its nodes by type, its size and what netrun says of it in its metadata. */
export interface OnnxSummary {
  readonly producer: string;
  readonly opsets: Readonly<Record<string, number>>;
  readonly inputs: readonly ModelValue[];
  readonly outputs: readonly ModelValue[];
  readonly nodes: Readonly<Record<string, number>>;
  readonly initializers: number;
  readonly bytes: number;
  readonly metadata: Readonly<Record<string, string>>;
}

interface RawValue {
  readonly name: string;
  readonly type?: { readonly tensor_type?: { readonly shape?: { readonly dim: readonly RawDim[] } } };
}
interface RawDim {
  readonly dim_value: number | { toNumber(): number };
  readonly dim_param: string;
}
interface RawModel {
  readonly producer_name: string;
  readonly producer_version: string;
  readonly opset_import: readonly { readonly domain: string; readonly version: number | { toNumber(): number } }[];
  readonly metadata_props: readonly { readonly key: string; readonly value: string }[];
  readonly graph: {
    readonly node: readonly { readonly op_type: string }[];
    readonly initializer: readonly { readonly name: string }[];
    readonly input: readonly RawValue[];
    readonly output: readonly RawValue[];
  } | null;
}

/** A file as an ONNX model; undefined where it is none. */
export function onnxSummary(bytes: Uint8Array): OnnxSummary | undefined {
  const model = decoded(bytes);
  if (!model?.graph || model.graph.node.length === 0 || model.opset_import.length === 0) return undefined;
  const { graph } = model;
  const weights = new Set(graph.initializer.map(({ name }) => name));
  // Names of a file may be those of every object, such as "constructor".
  const nodes: Record<string, number> = Object.create(null);
  for (const { op_type: type } of graph.node) nodes[type] = (nodes[type] ?? 0) + 1;
  return {
    producer: [model.producer_name, model.producer_version].filter(Boolean).join(" "),
    opsets: Object.fromEntries(model.opset_import.map(({ domain, version }) => [domain || "ai.onnx", Number(version)])),
    // Old models list their weights among the inputs.
    inputs: graph.input.filter(({ name }) => !weights.has(name)).map(endOf),
    outputs: graph.output.map(endOf),
    nodes,
    initializers: weights.size,
    bytes: bytes.length,
    metadata: Object.fromEntries(model.metadata_props.map(({ key, value }) => [key, value])),
  };
}

function decoded(bytes: Uint8Array): RawModel | undefined {
  try {
    return ModelProto.decode(bytes) as unknown as RawModel;
  } catch {
    return undefined;
  }
}

function endOf({ name, type }: RawValue): ModelValue {
  const dims = type?.tensor_type?.shape?.dim ?? [];
  return { name, shape: dims.map((dim) => dim.dim_param || Number(dim.dim_value) || "?") };
}

/** Longest metadata value that is printed whole. */
const SHOWN = 100;

/** A model as text. */
export function printOnnx(model: OnnxSummary): string[] {
  const ends = (values: readonly ModelValue[]) =>
    values.map(({ name, shape }) => `${name} [${shape.join(", ")}]`).join(", ");
  const total = Object.values(model.nodes).reduce((sum, n) => sum + n, 0);
  const byCount = Object.entries(model.nodes).sort(([, a], [, b]) => b - a);
  const opsets = Object.entries(model.opsets).map(([domain, version]) => `${domain} ${version}`);
  return [
    `ONNX model${model.producer && ` of ${model.producer}`}, opset ${opsets.join(", ")}`,
    `inputs   ${ends(model.inputs)}`,
    `outputs  ${ends(model.outputs)}`,
    `nodes    ${total}: ${byCount.map(([type, n]) => `${n} ${type}`).join(", ")}`,
    `weights  ${model.initializers} tensors`,
    `size     ${grouped(model.bytes)} bytes`,
    ...Object.entries(model.metadata).map(([key, value]) => {
      const text = value.length > SHOWN ? `${value.slice(0, SHOWN)}... (${value.length} characters)` : value;
      return `${key}: ${text}`;
    }),
  ];
}
