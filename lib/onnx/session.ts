import type { InferenceSession, Tensor } from "onnxruntime-node";
import { NetrunError } from "../error.js";
import { count, type DType, type Elements, type TensorType } from "../graph/index.js";
import { type Device, PROVIDER_NAMES, type Provider } from "./device.js";
import type { Emitted } from "./emit.js";
import { executionProvider } from "./execution-provider.js";
import { findProvider, notHere } from "./find-provider.js";
import { isWritten, writesInPlace } from "./in-place.js";
import { native } from "./native.js";
import { onnxruntime } from "./onnxruntime.js";
import { mayOverwrite } from "./overwrite.js";
import { tensorOf } from "./tensors.js";

/** How models run: what `chooseSession` makes of a caller's options. Structured-cloneable: it goes to replicas. */
export interface SessionOptions extends Partial<Device> {
  /** Threads inside one op; onnxruntime's own choice (the physical cores) where undefined. */
  readonly threads?: number | undefined;
  /**
   * Whether onnxruntime rewrites the graph for speed and keeps the memory of a run for the next one. Default true; without it a run that
   * comes once starts sooner and takes less memory.
   */
  readonly optimise?: boolean | undefined;
  /** Whether training graphs are standard ONNX alone, without formulations that are faster on this processor, to other last bits. Default false. */
  readonly portable?: boolean | undefined;
  /**
   * Whether a round of training is one run of an ONNX Loop, whose state stays on the device, rather than two runs an iteration.
   * Default: on CUDA, where every run would copy all weights.
   */
  readonly loop?: boolean | undefined;
  /** Path that the name of a profile starts with; the file is whole when the session is closed. */
  readonly profile?: string | undefined;
}

/** How to open a session on a model. */
export interface OpenOptions extends SessionOptions {
  /** Whether the graph runs as it is written, without onnxruntime's rewriting, but else as one that runs often. Default false. */
  readonly asWritten?: boolean | undefined;
}

let spentMs = 0;

/** Milliseconds that this thread has spent in runs of onnxruntime so far. */
export const runTime = (): number => spentMs;

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
  /** Whether the array of an output may be that of an input: nothing reads the input after the output is written. */
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
  const session = await create(model, provider, options);
  const inputs = [...model.inputs];
  // Only measured on the CPU; on a GPU outputs are copied from its memory in any case.
  const marker =
    provider === "cpu" && model.marker !== undefined && (await canWriteInPlace()) ? model.marker : undefined;
  const typeOf = (name: string): TensorType => {
    const value = model.values.get(name);
    if (!value) throw new Error(`there is no output ${name}`);
    return value.type;
  };
  const run = async (feeds: Readonly<Record<string, Tensor>>, fetch: InferenceSession.FetchesType) => {
    const started = performance.now();
    try {
      return await native(() => session.run(feeds, fetch));
    } finally {
      spentMs += performance.now() - started;
    }
  };

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

/**
 * A failed run, in the user's words where it is the data's fault: an index out of range (a label, an Embed layer's input).
 * Nodes are named after their layers.
 */
function runError(cause: unknown): unknown {
  const message = cause instanceof Error ? cause.message : "";
  if (NO_ROOM.test(message)) return noRoom(message, cause);
  const node = /while running \w+ node\. Name:'(.*?)(?:\/grad)?\/\w+'/.exec(message);
  const range = /idx=(-?\d+) must be within the inclusive range \[-?\d+ ?, ?(\d+)\]/.exec(message);
  if (!node || !(range || message.includes("Out of range value in index tensor"))) return cause;
  const [index, last] = [Number(range?.[1]), Number(range?.[2])];
  // Layers move negative indices below the range that ONNX would count from the end.
  const given = index < 0 ? index + last + 1 : index;
  const what = range ? `index ${given} in its data is not in [0, ${last}]` : "an index in its data is out of range";
  return new NetrunError(`layer "${node[1]}": ${what}`, {
    notes: ["indices are labels, or what Embed and BatchReindex layers look up"],
    cause,
  });
}

/** What onnxruntime says where memory, or its own measure of a tensor, has no room for a value. */
const NO_ROOM = /Failed to allocate memory|bad_alloc|exceeds the supported maximum/;

function noRoom(message: string, cause: unknown): NetrunError {
  const [, layer] = /Name:'(.*?)(?:\/grad)?\/\w+'/.exec(message) ?? [];
  const [, why] = /((?:Failed to allocate|[^.:]*exceeds the supported).*)/.exec(message) ?? [];
  return new NetrunError(`${layer === undefined ? "" : `layer "${layer}": `}there is not enough memory to compute it`, {
    notes: [...(why === undefined ? [] : [inOneLine(why)]), "smaller batches or smaller inputs take less"],
    cause,
  });
}

/** Session options for what runs once. */
export const UNOPTIMISED = {
  graphOptimizationLevel: "disabled",
  enableCpuMemArena: false,
  enableMemPattern: false,
} as const;

async function create(
  model: Emitted,
  provider: Provider,
  { devices: [device = 0] = [], threads, profile, optimise = true, asWritten = false }: OpenOptions,
): Promise<InferenceSession> {
  const ort = await onnxruntime();
  const options: InferenceSession.SessionOptions = {
    executionProviders: [executionProvider(provider, device)],
    // Spinning worker threads starve each other on shared cores: 1.3 to 1.8 times slower at two threads on a virtual machine.
    extra: { "session.intra_op.allow_spinning": "0" },
    // A planned block for all values of a run comes beside what the first run has allocated, and as that stays, memory is held nearly
    // twice: GoogLeNet's step at batch 8 takes 1384 MB with it and 933 MB without (npm run bench:memory), and is no slower.
    enableMemPattern: false,
    // Errors are thrown; onnxruntime would write them to stderr as well.
    logSeverityLevel: 4,
    ...(asWritten && { graphOptimizationLevel: "disabled" }),
    ...(!optimise && UNOPTIMISED),
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    ...(profile !== undefined && { enableProfiling: true, profileFilePrefix: profile }),
  };
  // Dawn writes to stderr by itself where it finds no GPU, and so is tried in another process before.
  const found = provider === "webgpu" ? await findProvider(provider, device) : undefined;
  if (found?.isHere === false) throw notHere([[provider, found]], device);
  try {
    return await native(() => ort.InferenceSession.create(model.bytes, options));
  } catch (cause) {
    if (provider === "cpu") throw runError(cause);
    const { message } = cause as Error;
    throw new NetrunError(`${PROVIDER_NAMES[provider]} does not take the model: ${inOneLine(message)}`, {
      cause,
      notes: ["netrun devices --check says what works on this device", "without a provider it runs on the CPU"],
    });
  }
}

/** onnxruntime's reason in one line, without the place in its source and the condition there. */
const inOneLine = (message: string): string =>
  message
    .replace(/^\/\S+:\d+ .* was false\. /s, "")
    .replace(/\s+/g, " ")
    .trim();
