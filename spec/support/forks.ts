import { expect } from "chai";
import { Net, type Tensor, type Tensors } from "../../lib/api/net.js";
import { convert } from "../../lib/convert/index.js";
import { openModelFile } from "../../lib/onnx/file.js";
import { prng } from "./prng.js";

/** A tensor of uniform numbers from a seed. */
export const noise = (seed: number, shape: readonly number[], from = -1, to = 1): Tensor => {
  const random = prng(seed);
  const n = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Float32Array.from({ length: n }, () => from + (to - from) * random()) };
};

/** A top as the net computes it, and as the converted file does (which has no losses). */
export interface Both {
  readonly net: Tensor;
  readonly file?: Tensor;
}

/** One layer on given bottoms; its tops. `blobs` are its parameters. */
export async function run(
  layer: string,
  bottoms: readonly Tensor[],
  blobs: readonly (readonly number[])[] = [],
  tops = 1,
): Promise<readonly Both[]> {
  const names = bottoms.map((_, i) => `x${i}`);
  const inputs = bottoms
    .map(
      ({ shape }, i) =>
        `layer { name: "x${i}" type: "Input" top: "x${i}" input_param { shape { ${shape.map((d) => `dim: ${d}`).join(" ")} } } }`,
    )
    .join("\n");
  const ends = Array.from({ length: tops }, (_, i) => `top: "y${i}"`).join(" ");
  const text = `${inputs} layer { name: "l" ${layer} ${names.map((name) => `bottom: "${name}"`).join(" ")} ${ends} }`;
  await using net = await Net.load(text);
  blobs.forEach((values, i) => {
    net.params.get("l")![i]!.data.set(values);
  });
  const given = Object.fromEntries(names.map((name, i) => [name, bottoms[i]!]));
  const all = await net.forward(given);
  const file = layer.includes("Loss") ? undefined : await runFile(text, net, given);
  return Array.from({ length: tops }, (_, i) => ({ net: all[`y${i}`]!, ...(file && { file: file[`y${i}`]! }) }));
}

/** Results of the net's converted file, of its open batch size where it has one. */
async function runFile(text: string, net: Net, given: Tensors): Promise<Tensors> {
  const { model } = await convert(text, net.stored(), { verify: false });
  await using file = await openModelFile(model);
  // An input that decides nothing but shapes is none of the file's.
  const used = file.inputs.map(({ name }) => [name, given[name]!] as const);
  return await file.run(Object.fromEntries(used));
}

/** Checks a top of the net and of the file against a shape and values; the tolerance is absolute below 1 and relative above. */
export function expectClose(
  actual: Both | undefined,
  shape: readonly number[],
  values: ArrayLike<number>,
  tolerance = 1e-5,
) {
  for (const [who, top] of Object.entries(actual!) as [string, Tensor][]) {
    expect([top.shape, values.length], who).to.deep.equal([shape, top.data.length]);
    Array.from(values).forEach((value, i) => {
      expect(top.data[i], `${who}[${i}]`).to.be.closeTo(value, tolerance * Math.max(1, Math.abs(value)));
    });
  }
}

/** A tensor of four axes by coordinates: its value at (n, c, h, w). */
export const at =
  ({ shape, data }: Tensor) =>
  (n: number, c: number, h: number, w: number) =>
    data[((n * shape[1]! + c) * shape[2]! + h) * shape[3]! + w]!;

/** All coordinates of a shape of four axes, in row-major order: of others none would be compared. */
export function* places(shape: readonly number[]): Generator<readonly [number, number, number, number]> {
  expect(shape).to.have.length(4);
  const [n, c, h, w] = shape as [number, number, number, number];
  for (let i = 0; i < n; i++)
    for (let j = 0; j < c; j++) for (let k = 0; k < h; k++) for (let l = 0; l < w; l++) yield [i, j, k, l];
}

/** The values of a shape by coordinates. */
export const filled = (shape: readonly number[], value: (n: number, c: number, h: number, w: number) => number) =>
  Float32Array.from([...places(shape)].map((place) => value(...place)));
