import type { InferenceSession } from "onnxruntime-node";
import { NetrunError } from "../error.js";
import { onnxruntime } from "./onnxruntime.js";
import { createOn, UNOPTIMISED } from "./create-session.js";
import type { SessionOptions } from "./session-options.js";

/** Tensors by name. */
type Tensors = Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>;

/** A model file in onnxruntime, run with tensors of whatever shapes it takes. */
export interface ModelFile extends AsyncDisposable {
  readonly inputs: readonly ModelEnd[];
  readonly outputs: readonly string[];
  /** Runs the model once; outputs by name. Throws NetrunError for inputs that are missing or have another shape than declared. */
  run(inputs: Tensors): Promise<Tensors>;
}

/** An input as the file declares it; open dims by name. */
export interface ModelEnd {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

/** Options of opening a model file. */
export interface ModelFileOptions extends Pick<SessionOptions, "provider" | "devices" | "threads"> {
  /** True if onnxruntime rewrites the graph and arranges weights anew for speed, in copies of them. Default true. */
  readonly optimise?: boolean | undefined;
}

/** Opens a model from its path or its bytes. Throws NetrunError if onnxruntime does not take it. */
export async function openModelFile(model: string | Uint8Array, options: ModelFileOptions = {}): Promise<ModelFile> {
  const { provider = "cpu", devices: [device = 0] = [], threads, optimise = true } = options;
  const file = typeof model === "string" ? { file: model } : {};
  const ort = await onnxruntime();
  let session: InferenceSession;
  try {
    session = await createOn(provider, device, model, {
      extra: { "session.intra_op.allow_spinning": "0", ...(!optimise && { "session.disable_prepacking": "1" }) },
      logSeverityLevel: 3,
      ...(!optimise && UNOPTIMISED),
      ...(threads !== undefined && { intraOpNumThreads: threads }),
    });
  } catch (cause) {
    if (cause instanceof NetrunError) throw cause;
    throw new NetrunError(`onnxruntime does not load the model: ${(cause as Error).message}`, { ...file, cause });
  }
  const inputs = session.inputMetadata.map((end) => ({ name: end.name, shape: end.isTensor ? [...end.shape] : [] }));
  return {
    inputs,
    outputs: session.outputNames,
    async run(given) {
      const feeds = inputs.map((end) => {
        const tensor = given[end.name];
        if (!tensor) throw new NetrunError(`input "${end.name}" is missing`);
        checkShape(end, tensor.shape, file);
        return [end.name, new ort.Tensor("float32", tensor.data, tensor.shape)] as const;
      });
      const results = await session.run(Object.fromEntries(feeds)).catch((cause: Error) => {
        throw new NetrunError(`onnxruntime does not run the model: ${cause.message}`, { ...file, cause });
      });
      return Object.fromEntries(
        Object.entries(results).map(([name, { dims, data }]) => [name, { shape: dims, data: data as Float32Array }]),
      );
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

function checkShape({ name, shape }: ModelEnd, given: readonly number[], file: { readonly file?: string }): void {
  const fits = shape.length === given.length && shape.every((dim, i) => !isFixed(dim) || dim === given[i]);
  if (!fits) throw new NetrunError(`input "${name}" is [${given}], the model takes [${shape.join(",")}]`, file);
}

/** Dims that are open have a name, or are less than 0. */
const isFixed = (dim: number | string) => typeof dim === "number" && dim >= 0;
