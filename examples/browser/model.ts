import { openModel as open } from "netrun/browser";
import * as ort from "onnxruntime-web";

ort.env.wasm.wasmPaths = "/ort/";

/** A tensor by its shape and its values in row-major order. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Results of a run of a model, and the time it took. */
export interface Inference {
  readonly outputs: Readonly<Record<string, Values>>;
  /** Median over the timed runs. */
  readonly milliseconds: number;
}

/** A model in onnxruntime-web on the processor. */
export interface Model {
  /** Inputs by name, with a number or a name for each dim. */
  readonly inputs: ReadonlyMap<string, readonly (number | string)[]>;
  /** Output names in the file's order. */
  readonly outputs: readonly string[];
  /** Runs once, and then `timed` times more for the clock: the first run also prepares. */
  run(inputs: Readonly<Record<string, Values>>, timed?: number): Promise<Inference>;
}

/** Opens a model from its bytes. */
export async function openModel(bytes: Uint8Array): Promise<Model> {
  const model = await open(bytes);
  return {
    inputs: new Map(model.inputs.map(({ name, shape }) => [name, shape])),
    outputs: model.outputs,
    async run(inputs, timed = 0) {
      const outputs = await model.run(inputs);
      const times: number[] = [];
      for (let i = 0; i < timed; i++) {
        const start = performance.now();
        await model.run(inputs);
        times.push(performance.now() - start);
      }
      return { outputs, milliseconds: times.sort((a, b) => a - b)[Math.floor(timed / 2)] ?? Number.NaN };
    },
  };
}
