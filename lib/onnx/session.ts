import type { InferenceSession, Tensor } from "onnxruntime-node";
import { NetrunError } from "../error.js";
import type { Elements } from "../graph/index.js";
import type { Emitted } from "./emit.js";
import { native } from "./native.js";
import { onnxruntime } from "./onnxruntime.js";

/** Where models run. CPU is the default; the others need a GPU and onnxruntime's libraries for it. */
export type Provider = "cpu" | "cuda" | "webgpu";

export interface SessionOptions {
  readonly provider?: Provider;
  /** Threads inside one op; onnxruntime's own choice (the physical cores) where undefined. */
  readonly threads?: number | undefined;
  /**
   * Whether onnxruntime rewrites the graph for speed and plans the memory of later runs. Default true; without it a run that comes
   * once starts sooner and takes less memory.
   */
  readonly optimise?: boolean | undefined;
  /** Path that the name of a profile starts with; the file is whole when the session is closed. */
  readonly profile?: string | undefined;
}

/** An emitted model on an execution provider. Keep it: onnxruntime leaks what is created and released often. */
export interface Session extends AsyncDisposable {
  /** Names of all outputs. */
  readonly outputs: readonly string[];
  /**
   * Runs the model once for the outputs in `fetch`. `feeds` may hold more than the model reads.
   * Blocks the thread's event loop until the run is done.
   */
  run(feeds: Feeds, fetch: readonly string[]): Promise<Readonly<Record<string, Float32Array>>>;
}

export type Feeds = Readonly<Record<string, Elements>>;

/** Opens a session on an emitted model. Throws a NetrunError if the provider is not to be had here. */
export async function openSession(model: Emitted, options: SessionOptions = {}): Promise<Session> {
  const { provider = "cpu" } = options;
  const ort = await onnxruntime();
  const session = await create(model, provider, options);
  const inputs = [...model.inputs];
  return {
    outputs: model.outputs,
    async run(feeds, fetch) {
      const tensors: Record<string, Tensor> = {};
      for (const [name, { type }] of inputs) {
        const data = feeds[name];
        if (data === undefined) throw new Error(`input ${name} was not fed`);
        tensors[name] = new ort.Tensor(type.dtype as "float32", data as Float32Array, type.shape);
      }
      const results = await native(() => session.run(tensors, [...fetch])).catch((error: unknown) => {
        throw runError(error);
      });
      const outputs: Record<string, Float32Array> = {};
      for (const name of fetch) outputs[name] = results[name]!.data as Float32Array;
      return outputs;
    },
    async [Symbol.asyncDispose]() {
      if (options.profile !== undefined) session.endProfiling();
      await native(() => session.release());
    },
  };
}

/**
 * A failed run, in the user's words where it is the data's fault: an index out of range (a label, an Embed layer's input).
 * Nodes are named after their layers.
 */
function runError(cause: unknown): unknown {
  const message = cause instanceof Error ? cause.message : "";
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

/** Session options for what runs once. */
export const UNOPTIMISED = {
  graphOptimizationLevel: "disabled",
  enableCpuMemArena: false,
  enableMemPattern: false,
} as const;

async function create(
  model: Emitted,
  provider: Provider,
  { threads, profile, optimise = true }: SessionOptions,
): Promise<InferenceSession> {
  const ort = await onnxruntime();
  const options: InferenceSession.SessionOptions = {
    // NCHW: the WebGPU provider's default layout computes some convolutions wrongly.
    executionProviders: [provider === "webgpu" ? { name: "webgpu", preferredLayout: "NCHW" } : provider],
    // Spinning worker threads starve each other on shared cores: 1.3 to 1.8 times slower at two threads on a virtual machine.
    extra: { "session.intra_op.allow_spinning": "0" },
    // Errors are thrown; onnxruntime would write them to stderr as well.
    logSeverityLevel: 4,
    ...(!optimise && UNOPTIMISED),
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    ...(profile !== undefined && { enableProfiling: true, profileFilePrefix: profile }),
  };
  try {
    return await native(() => ort.InferenceSession.create(model.bytes, options));
  } catch (cause) {
    if (provider === "cpu") throw cause;
    throw new NetrunError(`the execution provider "${provider}" does not start here: ${(cause as Error).message}`, {
      cause,
      notes: ["netrun runs on the CPU where no provider is asked for"],
    });
  }
}
