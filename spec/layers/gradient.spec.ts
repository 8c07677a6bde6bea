import { expect } from "chai";
import { count, float32, input, inputName, type Value } from "../../lib/graph/index.js";
import { gradient } from "../../lib/net/gradient.js";
import { type Case, caseNet, layerCases, odd } from "../support/layer-cases.js";
import { lowerText } from "../support/net.js";
import { prng } from "../support/prng.js";
import { runGraph } from "../support/run-graph.js";

describe("layers have the gradients that differences show", () => {
  for (const [type, cases] of Object.entries<readonly Case[] | string>(layerCases)) {
    if (typeof cases === "string") continue;
    cases.forEach((example, i) => {
      it(`${type} ${i + 1}${example.param ? `: ${example.param}` : ""}`, () => check(type, example));
    });
  }
});

/** Bottoms of which a layer reads the shape alone. */
const SHAPES_ONLY: Readonly<Record<string, readonly string[]>> = { Crop: ["x1"] };

/** Central differences in float32: with a step of 2^-7 both their errors stay near 1e-4 of the result. */
const STEP = 2 ** -7;

async function check(type: string, example: Case): Promise<void> {
  const { bottoms = [odd], phase = "TEST", size } = example;
  const { text, shapes, names, topNames } = caseNet(type, example);
  const net = lowerText(text, phase, size === undefined ? undefined : new Map([["l", size]]));
  const random = prng(7);
  const feeds: Record<string, Float32Array> = {};
  const moving: Value[] = [];
  const feed = (leaf: Value, values: Float32Array, moves: boolean) => {
    feeds[inputName(leaf)!] = values;
    if (moves) moving.push(leaf);
  };
  bottoms.forEach((bottom, i) => {
    const leaf = net.inputs.get(names[i]!)!;
    const { from, to } = "from" in bottom ? bottom : { from: -1, to: 1 };
    if ("given" in bottom) feed(leaf, Float32Array.from(bottom.given), false);
    else feed(leaf, spread(count(shapes[i]!), from, to, 0.15 + i / 3, random), true);
  });
  for (const { value, spec } of net.parameters) {
    feed(value, spread(count(spec.shape), spec.state ? 0.5 : -1, 1, 0.45, random), !spec.state);
  }
  for (const leaf of net.randoms) feed(leaf, Float32Array.from({ length: count(leaf.type.shape) }, random), false);
  for (const leaf of net.carries.keys()) feed(leaf, new Float32Array(count(leaf.type.shape)), false);

  const outputs = Object.fromEntries(topNames.map((name) => [name, net.blobs.get(name)!]));
  const seeds = new Map<Value, Value>();
  for (const [name, value] of Object.entries(outputs)) {
    feeds[`seed:${name}`] = Float32Array.from({ length: count(value.type.shape) }, () => random() + 0.5);
    if (!seeds.has(value)) seeds.set(value, input(`seed:${name}`, float32(value.type.shape)));
    else feeds[`seed:${name}`]!.fill(0);
  }
  const direction = new Map(
    moving.map((leaf) => [inputName(leaf)!, feeds[inputName(leaf)!]!.map(() => random() - 0.5)]),
  );
  const at = async (by: number) => {
    const moved = Object.entries(feeds).map(([name, values]) => {
      const along = direction.get(name);
      return [name, along ? values.map((value, j) => value + by * along[j]!) : values] as const;
    });
    const result = await runGraph(outputs, Object.fromEntries(moved));
    return Object.entries(result).reduce((sum, [name, y]) => sum + inner(y, feeds[`seed:${name}`]!), 0);
  };
  const difference = ((await at(STEP)) - (await at(-STEP))) / (2 * STEP);
  const gradients = gradient(seeds, moving);
  const ends = Object.fromEntries(
    moving.flatMap((leaf, i) => (gradients[i] ? [[`${inputName(leaf)}/grad`, gradients[i]]] : [])),
  );
  const found = await runGraph(ends, feeds);
  const slope = moving.reduce((sum, leaf) => {
    const dx = found[`${inputName(leaf)}/grad`];
    return dx ? sum + inner(dx, direction.get(inputName(leaf)!)!) : sum;
  }, 0);
  const still = moving.map((leaf) => inputName(leaf)!).filter((name) => !found[`${name}/grad`]?.some((dx) => dx !== 0));
  expect(still, "inputs without a gradient").to.deep.equal(SHAPES_ONLY[type] ?? []);
  expect(Math.abs(slope), "a slope that shows something").to.be.greaterThan(1e-3);
  expect(slope).to.be.closeTo(difference, 2e-3 * Math.max(1, Math.abs(slope)));
}

const inner = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, j) => sum + value * b[j]!, 0);

/** Values in even steps, each input's apart from the others' by `offset` steps: a small move crosses no kink and makes no tie. */
function spread(n: number, from: number, to: number, offset: number, random: () => number): Float32Array {
  const ranks = Array.from({ length: n }, (_, i) => i).sort(() => random() - 0.5);
  return Float32Array.from(ranks, (rank) => from + ((to - from) * (rank + offset)) / n);
}
