import { Net, type Tensor, type Tensors } from "../../lib/api/net.js";
import { filterNet } from "../../lib/caffe/filter.js";
import { loadNet } from "../../lib/caffe/load.js";
import { create } from "../../lib/caffe/message.js";
import { Phase as PhaseNumber } from "../../lib/caffe/messages.js";
import { NetrunError } from "../../lib/error.js";
import type { PhaseName } from "../../lib/layers/index.js";
import { type LoweredNet, lower } from "../../lib/net/lower.js";

/** The text of an Input layer: a line. */
export const inputLayer = (name: string, ...dims: readonly number[]): string =>
  `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${dims.map((dim) => `dim: ${dim} `).join("")}} } }\n`;

/** The layers of a prototxt's text as a graph. `sizes` are those that data decides, by layer. */
export function lowerText(text: string, phase: PhaseName = "TEST", sizes?: ReadonlyMap<string, number>): LoweredNet {
  const net = filterNet(loadNet(text, { name: "net" }).message, create("NetState", { phase: PhaseNumber[phase] }));
  return lower(net.layer, { phase, ...(sizes && { sizes }) });
}

/** Error of netrun's on a prototxt's text, without the excerpt. Throws if it does not refuse it. */
export function refusal(text: string, phase: PhaseName = "TEST"): string {
  try {
    lowerText(text, phase);
  } catch (error) {
    if (!(error instanceof NetrunError)) throw error;
    const lines = error.format().split("\n");
    return lines.filter((line) => !/^ *\d* \| /.test(line)).join("\n");
  }
  throw new Error("the net was not refused");
}

/** A tensor of the given values: one axis, unless a shape is given. */
export const tensor = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor => ({
  shape,
  data: Float32Array.from(values),
});

/** Results of a net: blobs, and gradients of its inputs and parameters (`LAYER/i`) where top gradients were given. */
export interface Ran {
  readonly blobs: Tensors;
  readonly gradients: Tensors;
  readonly parameters: Readonly<Record<string, Float32Array>>;
}

/** Runs a prototxt's text forward and, given gradients of tops, backward. */
export async function runText(
  text: string,
  inputs: Tensors,
  options: {
    readonly phase?: PhaseName;
    readonly seeds?: Tensors;
    readonly params?: Readonly<Record<string, readonly number[]>>;
  } = {},
): Promise<Ran> {
  await using net = await Net.load(text, { name: "net", phase: options.phase ?? "TEST" });
  for (const [key, values] of Object.entries(options.params ?? {})) {
    const [layer, index] = key.split("/") as [string, string];
    net.params.get(layer)![Number(index)]!.data.set(values);
  }
  const blobs = await net.forward(inputs);
  const gradients = options.seeds ? await net.backward(options.seeds) : {};
  const parameters = Object.fromEntries(
    [...net.params].flatMap(([layer, list]) => list.map(({ diff }, i) => [`${layer}/${i}`, diff.slice()])),
  );
  return { blobs, gradients, parameters };
}
