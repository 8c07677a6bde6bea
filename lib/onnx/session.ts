import type { InferenceSession, Tensor } from "onnxruntime-node";
import { count, type DType, type Elements, type TensorType } from "../graph/index.js";
import { createSession } from "./create-session.js";
import type { Emitted } from "./emit.js";
import { isWritten, writesInPlace } from "./in-place.js";
import { native } from "./native.js";
import { onnxruntime } from "./onnxruntime.js";
import { mayOverwrite } from "./overwrite.js";
import { runError } from "./run-error.js";
import { counted } from "./run-time.js";
import type { OpenOptions } from "./session-options.js";
import { tensorOf } from "./tensors.js";

export type { OpenOptions, SessionOptions } from "./session-options.js";

export { runTime } from "./run-time.js";

/** An emitted model on an execution provider. Keep it: onnxruntime leaks what is created and released often. */
export interface Session extends AsyncDisposable {
  /** Names of all outputs. */
  readonly outputs: readonly string[];
  /**
   * Runs the model once for the outputs in `fetch`. `feeds` may hold more than the model reads; of an input whose first dim is open, any
   * number of rows.
   * Blocks the thread's event loop until the run is done.
   *
   * Outputs named in `into` are written there, and given as these arrays. An array may be that of an input where `mayOverwrite` says so.
   * Throws a plain Error for an array of another length.
   */
  run(feeds: Feeds, fetch: readonly string[], into?: Outputs): Promise<Outputs>;
  /** Tests whether the array of an output may be that of an input: nothing reads the input after the output is written. */
  mayOverwrite(output: string, input: string): boolean;
}

/** Outputs by name. Those of other element types than float32 are arrays of theirs. */
export type Outputs = Readonly<Record<string, Float32Array>>;

export type Feeds = Readonly<Record<string, Elements>>;

/**
 * Opens a session on an emitted model. Throws a NetrunError if the provider is not to be had here. `canWriteInPlace` tells, for models
 * that have a marker, whether onnxruntime writes outputs where they are to be; else they are copied there.
 */
export async function openSession(
  model: Emitted,
  options: OpenOptions = {},
  canWriteInPlace: () => Promise<boolean> = writesInPlace,
): Promise<Session> {
  const { provider = "cpu" } = options;
  const ort = await onnxruntime();
  const session = await createSession(model, options);
  const inputs = [...model.inputs];
  // Only measured on the CPU; on a GPU outputs are copied from its memory in any case.
  const marker =
    provider === "cpu" && model.marker !== undefined && (await canWriteInPlace()) ? model.marker : undefined;
  const typeOf = (name: string): TensorType => {
    const value = model.values.get(name);
    if (!value) throw new Error(`there is no output ${name}`);
    return value.type;
  };
  const run = (feeds: Readonly<Record<string, Tensor>>, fetch: InferenceSession.FetchesType) =>
    counted(() => native(() => session.run(feeds, fetch)));

  /** Has outputs written into their arrays. */
  async function write(feeds: Readonly<Record<string, Tensor>>, outputs: Outputs, first: string): Promise<void> {
    const fetch: Record<string, Tensor | null> = { [first]: null };
    for (const [name, data] of Object.entries(outputs)) fetch[name] = tensorOf(ort, name, data, typeOf(name));
    try {
      await run(feeds, fetch);
    } catch (error) {
      if (!isWritten(error)) throw error;
      return;
    }
    throw new Error("onnxruntime has written outputs in place before, and does not now");
  }

  return {
    outputs: model.outputs,
    mayOverwrite: (output, name) =>
      mayOverwrite(model.values.values(), model.values.get(output)!, model.inputs.get(name)!),
    async run(feeds, fetch, into = {}) {
      const tensors: Record<string, Tensor> = {};
      for (const [name, { type }] of inputs) {
        const data = feeds[name];
        if (data === undefined) throw new Error(`input ${name} was not fed`);
        tensors[name] = tensorOf(ort, name, data, model.open?.has(name) ? withRows(type, data.length) : type);
      }
      const fetched = new Set(fetch);
      for (const [name, given] of Object.entries(into)) {
        const length = count(typeOf(name).shape);
        if (given.length !== length) throw new Error(`output ${name} has ${length} elements, not ${given.length}`);
        if (!fetched.has(name)) throw new Error(`output ${name} is not fetched`);
      }
      const outputs: Record<string, Float32Array> = {};
      try {
        if (marker !== undefined) {
          for (const name of fetch) outputs[name] = into[name] ?? (room(typeOf(name)) as Float32Array);
          await write(tensors, outputs, marker);
          return outputs;
        }
        for (const name of fetch) typeOf(name);
        const results = await run(tensors, [...fetch]);
        for (const name of fetch) {
          const data = results[name]!.data as Float32Array;
          into[name]?.set(data);
          outputs[name] = into[name] ?? data;
        }
        return outputs;
      } catch (error) {
        throw runError(error);
      }
    },
    async [Symbol.asyncDispose]() {
      if (options.profile !== undefined) session.endProfiling();
      await native(() => session.release());
    },
  };
}

/** The type of a tensor of so many elements whose first dim is open. */
const withRows = ({ dtype, shape: [, ...row] }: TensorType, length: number): TensorType => ({
  dtype,
  shape: [length / count(row), ...row],
});

const ARRAYS = {
  float32: Float32Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const satisfies Record<DType, new (length: number) => Elements>;

/** A new array for a tensor. */
const room = ({ dtype, shape }: TensorType): Elements => new ARRAYS[dtype](count(shape));
