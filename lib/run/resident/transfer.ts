import { type Elements, input, type TensorType } from "../../graph/index.js";
import { emit } from "../../onnx/emit.js";
import { type DeviceTensor, openResident, type ResidentSession } from "../../onnx/resident.js";
import type { SessionOptions } from "../../onnx/session.js";
import { stopGradient } from "../../ops/index.js";

/**
 * Copies of some tensors to a GPU and back, by sessions of their own that compute nothing: onnxruntime-node ends the process where a
 * tensor on the GPU is asked for its values.
 */
export class Transfer implements AsyncDisposable {
  readonly #options: SessionOptions;
  readonly types: ReadonlyMap<string, TensorType>;
  #up: Promise<ResidentSession> | undefined;
  #down: Promise<ResidentSession> | undefined;

  constructor(types: ReadonlyMap<string, TensorType>, options: SessionOptions) {
    this.types = types;
    this.#options = options;
  }

  /** Tensors with these values; the caller's. */
  async up(values: Readonly<Record<string, Elements>>): Promise<Readonly<Record<string, DeviceTensor>>> {
    if (this.types.size === 0) return {};
    this.#up ??= this.#open(false);
    return (await (await this.#up).run(from(values))).kept;
  }

  /** The values of tensors. */
  async down(tensors: Readonly<Record<string, DeviceTensor>>): Promise<Readonly<Record<string, Float32Array>>> {
    if (this.types.size === 0) return {};
    this.#down ??= this.#open(true);
    return (await (await this.#down).run(from(tensors))).values;
  }

  #open(toCpu: boolean): Promise<ResidentSession> {
    const outputs = new Map(
      [...this.types].map(([name, type]) => [name, stopGradient(input(source(name), type))] as const),
    );
    const model = emit({ name: toCpu ? "read" : "write", outputs });
    return openResident(model, this.#options, new Set(toCpu ? outputs.keys() : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of [this.#up, this.#down]) await (await session)?.[Symbol.asyncDispose]();
    this.#up = undefined;
    this.#down = undefined;
  }
}

const source = (name: string): string => `from:${name}`;

const from = <T>(values: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [source(name), value]));
