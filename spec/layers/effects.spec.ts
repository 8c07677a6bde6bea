import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { filterNet } from "../../lib/caffe/filter.js";
import { loadNet } from "../../lib/caffe/load.js";
import { create } from "../../lib/caffe/message.js";
import { Phase } from "../../lib/caffe/messages.js";
import { count, inputName, type Value } from "../../lib/graph/index.js";
import { catalog, type PhaseName } from "../../lib/layers/index.js";
import { type LoweredNet, lower } from "../../lib/net/lower.js";
import { type Bottom, type Case, caseNet, layerCases, odd } from "../support/layer-cases.js";
import { prng } from "../support/prng.js";
import { runGraph } from "../support/run-graph.js";

/** Settings of a case or a golden that leave what is computed forward as it is, each with its reason. */
const NO_EFFECT: Readonly<Record<string, string>> = {
  "Eltwise: stable_prod_grad": "the gradient is computed in another way",
  "Lstm: clipping_threshold": "gradients are cut",
  "MergeCrop: backward": "it says where gradients go",
  "Normalize: bp_norm": "the gradient goes through the norm as well",
};

interface Example {
  readonly name: string;
  readonly text: string;
  readonly phase: PhaseName;
  readonly size?: number | undefined;
  readonly bottoms?: readonly Bottom[];
}

const GOLDENS = "fixtures/goldens/layers";
const EXAMPLES: readonly Example[] = [
  ...Object.entries<readonly Case[] | string>(layerCases).flatMap(([type, cases]) =>
    typeof cases === "string"
      ? []
      : cases.map((example, i): Example => {
          const { phase = "TEST", size, bottoms = [odd] } = example;
          return { name: `${type} ${i + 1}`, text: caseNet(type, example).text, phase, size, bottoms };
        }),
  ),
  ...readdirSync(GOLDENS)
    .filter((name) => name.endsWith(".prototxt"))
    .map((name): Example => ({ name, text: readFileSync(`${GOLDENS}/${name}`, "utf8"), phase: "TRAIN" })),
];

describe("settings of the cases and goldens of layers", () => {
  it("change what is computed, or are named here with a reason", async () => {
    const entries = new Map(catalog().map((entry) => [entry.type, entry]));
    const [without, effective] = [new Set<string>(), new Set<string>()];
    for (const example of EXAMPLES) {
      const { message } = loadNet(example.text, { name: example.name });
      const found = async () => {
        const state = create("NetState", { phase: Phase[example.phase] });
        const sizes = example.size === undefined ? {} : { sizes: new Map([["l", example.size]]) };
        return results(lower(filterNet(message, state).layer, { phase: example.phase, ...sizes }), example.bottoms);
      };
      const base = await found();
      for (const layer of message.layer)
        for (const { field: param, fields } of entries.get(layer.type)?.params ?? []) {
          const settings = (Object.hasOwn(layer, param) ? layer[param] : null) as Record<string, unknown> | null;
          for (const { name } of settings ? fields : []) {
            if (!Object.hasOwn(settings!, name)) continue;
            const value = settings![name];
            delete settings![name];
            if (JSON.stringify(settings![name]) !== JSON.stringify(value)) {
              const differs = await found().then(
                (other) => other !== base,
                () => true,
              );
              (differs ? effective : without).add(`${layer.type}: ${name}`);
            }
            settings![name] = value;
          }
        }
    }
    expect([...without].filter((name) => !effective.has(name)).sort()).to.deep.equal(Object.keys(NO_EFFECT));
    expect(effective.size).to.be.greaterThan(300);
  }).timeout(60_000);
});

/** All blobs of a net, with its parameters' shapes and fillers, as a text; its inputs are random, the same each time. */
async function results(net: LoweredNet, bottoms?: readonly Bottom[]): Promise<string> {
  const feeds: Record<string, Float32Array> = {};
  const feed = (leaf: Value, from: number, to: number) => {
    const name = inputName(leaf)!;
    const random = prng([...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 2 ** 31);
    feeds[name] = Float32Array.from({ length: count(leaf.type.shape) }, () => from + (to - from) * random());
  };
  for (const [name, leaf] of net.inputs) {
    const bottom = bottoms?.[Number(name.slice(1))];
    if (bottom && "given" in bottom) feeds[inputName(leaf)!] = Float32Array.from(bottom.given);
    else if (bottom && "from" in bottom) feed(leaf, bottom.from, bottom.to);
    else feed(leaf, bottoms ? -1 : 0, bottoms ? 1 : 3);
  }
  for (const { value, spec } of net.parameters) feed(value, spec.state ? 0.5 : -1, 1);
  for (const leaf of net.randoms) feed(leaf, 0, 1);
  for (const leaf of net.carries.keys()) feed(leaf, 0, 0);
  const values = await runGraph(Object.fromEntries(net.blobs), feeds);
  const shapes = Array.from(net.blobs, ([name, { type }]) => [name, type.shape]);
  const blobs = net.parameters.map(({ spec: { shape, filler } }) => [shape, filler]);
  return JSON.stringify([shapes, blobs, Object.entries(values).map(([name, data]) => [name, Array.from(data)])]);
}
