import * as ort from "onnxruntime-web/wasm";

ort.env.wasm.wasmPaths = "/ort/";

/** A tensor by its shape and its values in row-major order. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** What a run of a model gave, and how long it took. */
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
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  return {
    inputs: new Map(session.inputMetadata.map((end) => [end.name, end.isTensor ? [...end.shape] : []])),
    outputs: session.outputNames,
    async run(inputs, timed = 0) {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, { data, shape }]) => [name, new ort.Tensor("float32", data, shape)]),
      );
      const results = await session.run(feeds);
      const times: number[] = [];
      for (let i = 0; i < timed; i++) {
        const start = performance.now();
        await session.run(feeds);
        times.push(performance.now() - start);
      }
      const outputs = Object.fromEntries(
        Object.entries(results).map(([name, { dims, data }]) => [
          name,
          { shape: [...dims], data: data as Float32Array<ArrayBuffer> },
        ]),
      );
      return { outputs, milliseconds: times.sort((a, b) => a - b)[Math.floor(timed / 2)] ?? Number.NaN };
    },
  };
}
