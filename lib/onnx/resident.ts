import type { Tensor } from "onnxruntime-node";
import type { Elements } from "../graph/index.js";
import { createSession } from "./create-session.js";
import type { Emitted } from "./emit.js";
import { native } from "./native.js";
import { onnxruntime } from "./onnxruntime.js";
import { runError } from "./run-error.js";
import { counted } from "./run-time.js";
import type { SessionOptions } from "./session-options.js";
import { tensorOf } from "./tensors.js";

/**
 * A tensor in a GPU's memory. Nothing reads it but a run: onnxruntime-node ends the process where it is asked for the values of one, or
 * where one is used after the session that made it was released.
 */
export class DeviceTensor implements Disposable {
  #tensor: Tensor | undefined;

  constructor(tensor: Tensor) {
    this.#tensor = tensor;
  }

  /** onnxruntime's tensor. Throws a plain Error once it is disposed. */
  get tensor(): Tensor {
    if (!this.#tensor) throw new Error("the tensor's memory was released");
    return this.#tensor;
  }

  /** Gives the memory back; again has no effect. */
  [Symbol.dispose](): void {
    this.#tensor?.dispose();
    this.#tensor = undefined;
  }
}

/** Outputs of a run: values of those that go to the CPU, and tensors of those that stay. */
export interface ResidentOutputs {
  readonly values: Readonly<Record<string, Float32Array>>;
  /** The caller's, who disposes them before the session. */
  readonly kept: Readonly<Record<string, DeviceTensor>>;
}

/** A model whose inputs and outputs may stay in a GPU's memory. */
export interface ResidentSession extends AsyncDisposable {
  /** Names of the inputs that the model reads. */
  readonly inputs: readonly string[];
  /** Runs the model once. `feeds` may hold more than it reads. */
  run(feeds: Readonly<Record<string, Elements | DeviceTensor>>): Promise<ResidentOutputs>;
}

/** Opens a model on WebGPU, the one provider whose tensors onnxruntime-node leaves on the device; `toCpu` names outputs to read back. */
export async function openResident(
  model: Emitted,
  options: SessionOptions,
  toCpu: ReadonlySet<string>,
): Promise<ResidentSession> {
  const ort = await onnxruntime();
  const locations = Object.fromEntries(
    model.outputs.map((name) => [name, toCpu.has(name) ? ("cpu" as const) : ("gpu-buffer" as const)]),
  );
  const session = await createSession(model, options, locations);
  const inputs = [...model.inputs];
  return {
    inputs: inputs.map(([name]) => name),
    async run(feeds) {
      const tensors: Record<string, Tensor> = {};
      for (const [name, { type }] of inputs) {
        const given = feeds[name];
        if (given === undefined) throw new Error(`input ${name} was not fed`);
        tensors[name] = given instanceof DeviceTensor ? given.tensor : tensorOf(ort, name, given, type);
      }
      const results = await counted(() => native(() => session.run(tensors))).catch((error: unknown) => {
        throw runError(error);
      });
      const values: Record<string, Float32Array> = {};
      const kept: Record<string, DeviceTensor> = {};
      for (const [name, tensor] of Object.entries(results)) {
        if (toCpu.has(name)) values[name] = tensor.data as Float32Array;
        else kept[name] = new DeviceTensor(tensor);
      }
      return { values, kept };
    },
    async [Symbol.asyncDispose]() {
      await native(() => session.release());
    },
  };
}
