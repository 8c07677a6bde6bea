import type { Value } from "../graph/index.js";
import { joined } from "./parts.js";
import { write } from "./write/index.js";

/** A graph with named outputs, ready to be written. */
export interface Model {
  readonly name: string;
  readonly outputs: ReadonlyMap<string, Value>;
}

/** Options of writing a graph for a session. */
export interface EmitOptions {
  /** True if runs are to write outputs into given buffers: the model gets a first output, `marker`, that is no tensor. Default false. */
  readonly inPlaceOutputs?: boolean | undefined;
  /** Inputs and outputs whose first dim is open: runs may feed and get other numbers of rows than their types say. */
  readonly open?: ReadonlySet<string> | undefined;
}

/** A written model and what it really takes: input leaves that no output depends on are not part of it. */
export interface Emitted {
  readonly bytes: Uint8Array;
  readonly inputs: ReadonlyMap<string, Value>;
  readonly outputs: readonly string[];
  /** The outputs as values, by name. */
  readonly values: ReadonlyMap<string, Value>;
  /** The output that nobody wants, where outputs are written in place. */
  readonly marker?: string | undefined;
  /** Inputs and outputs whose first dim is open. */
  readonly open?: ReadonlySet<string> | undefined;
}

/**
 * Writes a graph for a session: standard ONNX of opset 17 (the first with all that Caffe's layers need; CUDA kernels stay complete up to
 * 18), no custom ops, nodes named LAYER/OP. Throws a plain Error if two input leaves share a name.
 */
export function emit({ name, outputs }: Model, { inPlaceOutputs = false, open }: EmitOptions = {}): Emitted {
  const options = { name, marker: inPlaceOutputs, open };
  const { files, leaves, marker } = write([{ outputs, blobs: new Map() }], options);
  return {
    bytes: joined(files(undefined).model),
    inputs: leaves,
    outputs: [...outputs.keys()],
    values: outputs,
    marker,
    open,
  };
}
