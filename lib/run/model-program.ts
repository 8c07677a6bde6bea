import { NetrunError } from "../error.js";
import { float32, input, type Value } from "../graph/index.js";
import type { LoweredNet } from "../net/lower.js";
import { openModelFile } from "../onnx/file.js";
import type { SessionOptions } from "../onnx/session.js";
import type { RecurrentProgram } from "./open-net.js";
import type { Program } from "./program.js";

/** Interface of a program for nets: the same interface whether layers are behind it or a file. */
export type NetProgram = Pick<Program, "lower" | "run" | typeof Symbol.asyncDispose> &
  Partial<Pick<Program, "withConstants" | keyof RecurrentProgram>>;

/** A converted file in a net's place. It has no layers, no parameters and no gradients. */
export interface ModelProgram {
  readonly program: NetProgram;
  readonly lowered: LoweredNet;
}

/** Opens an ONNX file to run like a net: inputs and outputs are its blobs, open dims count as 1 until data comes. */
export async function openModelProgram(path: string, options: SessionOptions = {}): Promise<ModelProgram> {
  const file = await openModelFile(path, options);
  const inputs = new Map<string, Value>();
  for (const { name, shape } of file.inputs)
    inputs.set(name, input(name, float32(shape.map((dim) => (typeof dim === "number" && dim > 0 ? dim : 1)))));
  const outputs = file.outputs.map((name) => [name, input(name, float32([]))] as const);
  const lowered: LoweredNet = {
    phase: "TEST",
    inputs,
    blobs: new Map([...inputs, ...outputs]),
    outputs: [...file.outputs].sort(),
    parameters: [],
    states: new Map(),
    carries: new Map(),
    losses: [],
    randoms: [],
    files: [],
    differentiated: [],
    untrainable: undefined,
    unknown: new Set(),
    implied: new Map(),
    evaluated: new Map(),
  };
  const program: NetProgram = {
    lower: () => lowered,
    async run(request, { data, shapes }) {
      if (request.gradients !== undefined) {
        throw new NetrunError("a converted file has no gradients", {
          file: path,
          notes: ["load the prototxt and the weights that it was converted from"],
        });
      }
      const given = Object.fromEntries(
        Object.entries(data).map(([name, values]) => [name, { shape: shapes.get(name)!, data: values }]),
      );
      const blobs = { ...given, ...(await file.run(given)) };
      return {
        blobs: Object.fromEntries(Object.entries(blobs).map(([name, blob]) => [name, blob.data])),
        shapes: Object.fromEntries(Object.entries(blobs).map(([name, { shape }]) => [name, shape])),
        states: {},
        carries: {},
        gradients: {},
        inputGradients: {},
        objective: 0,
        gradientSum: 0,
        files: {},
      };
    },
    [Symbol.asyncDispose]: async () => file[Symbol.asyncDispose](),
  };
  return { program, lowered };
}
