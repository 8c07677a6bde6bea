import { quote } from "../../text/literal.js";

/** Constraints on the weights of fully connected layers. */
export interface UnitOptions {
  readonly maxNorm?: number | undefined;
}

/** A fully connected layer; weights begin as H2O's and Glorot's: uniform, by the mean of inputs and outputs. */
export function unitsLayer(name: string, bottom: string, count: number, { maxNorm }: UnitOptions = {}): string {
  const limit = maxNorm === undefined ? "" : ` max_norm: ${maxNorm}`;
  return `layer {
  name: ${quote(name)} type: "InnerProduct" bottom: ${quote(bottom)} top: ${quote(name)}
  param { lr_mult: 1 decay_mult: 1${limit} }
  param { lr_mult: 1 decay_mult: 0 }
  inner_product_param {
    num_output: ${count}
    weight_filler { type: "xavier" variance_norm: AVERAGE }
    bias_filler { type: "constant" value: 0 }
  }
}`;
}

/** A layer of one bottom and one top, in place unless `top` is given; `more` is the rest of its text. */
export function simpleLayer(name: string, type: string, bottom: string, more = "", top = bottom): string {
  const rest = more === "" ? "" : ` ${more}`;
  return `layer { name: ${quote(name)} type: ${quote(type)} bottom: ${quote(bottom)} top: ${quote(top)}${rest} }`;
}

/** A layer of several bottoms. */
export function joinedLayer(name: string, type: string, bottoms: readonly string[], more = ""): string {
  const listed = bottoms.map((bottom) => `bottom: ${quote(bottom)}`).join(" ");
  const rest = more === "" ? "" : ` ${more}`;
  return `layer { name: ${quote(name)} type: ${quote(type)} ${listed} top: ${quote(name)}${rest} }`;
}

/** A Data layer of one phase. */
export function dataLayer(
  phase: "TRAIN" | "TEST",
  source: string,
  batchSize: number,
  tops: readonly string[],
  more = "",
): string {
  const named = tops.map((top) => `top: ${quote(top)}`).join(" ");
  return `layer {
  name: "data" type: "Data" ${named}
  include { phase: ${phase} }${more === "" ? "" : `\n  ${more}`}
  data_param { source: ${quote(source)} batch_size: ${batchSize} }
}`;
}

/** An Input layer, for a deploy net. */
export const inputLayer = (name: string, shape: readonly number[]): string =>
  `layer { name: "data" type: "Input" top: ${quote(name)} input_param { shape { ${shape.map((dim) => `dim: ${dim}`).join(" ")} } } }`;

/** A text of a prototxt: a name and layers. */
export const netText = (name: string, comment: string, layers: readonly string[]): string =>
  `${comment
    .split("\n")
    .map((line) => `# ${line}`)
    .join("\n")}\nname: ${quote(name)}\n${layers.join("\n")}\n`;
