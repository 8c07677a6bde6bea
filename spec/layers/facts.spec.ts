import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { LAYER_TYPES } from "../../lib/caffe/builders.js";
import { loadNet } from "../../lib/caffe/load.js";
import { conversionOf } from "../../lib/convert/net.js";
import { unsupportedTypes } from "../../lib/layers/forks/unsupported.js";
import {
  factsOf,
  isDataLayer,
  type LayerType,
  layerTypes,
  registeredTypes,
  registerLayer,
} from "../../lib/layers/index.js";
import { labelRanges } from "../../lib/net/label-ranges.js";
import { lower } from "../../lib/net/lower.js";
import { root } from "../support/shared.js";

/**
 * Places that may name layer types: their own files, Caffe's schema with its builders and the upgrades of its old formats, and the texts of
 * nets that are written for data.
 */
const OWNERS = ["layers/", "caffe/upgrade", "caffe/messages.ts", "caffe/builders.ts", "tables/nets/"];
/** Places whose names are those of ops, some of which are called like layers. */
const OF_OPS = ["ops/", "graph/", "targets/", "onnx/"];

const names = new Set([...Object.keys(layerTypes), ...Object.keys(unsupportedTypes)]);

/** The string literals of TypeScript, without those in comments; a template's parts between substitutions count. */
function literals(source: string): readonly string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, "");
  return [...code.matchAll(/"([^"\n]*)"|'([^'\n]*)'|`([^`]*)`/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");
}

/** Keys of object literals and types in TypeScript. */
function keys(source: string): readonly string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$|"[^"\n]*"/gm, "");
  return [...code.matchAll(/(?:^|[{,])\s*([A-Z]\w*)\??:/gm)].map(([, key]) => key!);
}

/** Layer types named in a file: as a literal, a key, or a member of the table of types. Lines on ONNX's op types name ops. */
function namesIn(text: string): readonly string[] {
  const source = text.replace(/^.*\bop_?type\b.*$/gim, "");
  const members = [...source.matchAll(/\blayerTypes\.(\w+)/g)].map(([, name]) => name!);
  return [...literals(source), ...keys(source), ...members].filter((text) => names.has(text));
}

describe("the facts on layer types", () => {
  it("are in the layers' own files: no other file of lib/ names a type", () => {
    const files = readdirSync(join(root, "lib"), { recursive: true, encoding: "utf8" })
      .map((file) => file.replaceAll("\\", "/"))
      .filter((file) => file.endsWith(".ts") && ![...OWNERS, ...OF_OPS].some((place) => file.startsWith(place)));
    const found = files.flatMap((file) => {
      const named = namesIn(readFileSync(join(root, "lib", file), "utf8"));
      return named.length > 0 ? [`${file}: ${named.join(", ")}`] : [];
    });
    expect(found).to.deep.equal([]);
  });

  it("would be seen in another file, in each way of naming a type", () => {
    const tables = [
      'const heavy = { Convolution: 2, "InnerProduct": 1 };',
      "interface Costs {\n  Pooling?: number;\n}",
    ];
    expect(namesIn(tables.join("\n")).toSorted()).to.deep.equal(["Convolution", "InnerProduct", "Pooling"]);
    expect(namesIn('if (layer.type === "LRN") return layerTypes.Data; // "Split", { Tile: 1 }')).to.deep.equal([
      "LRN",
      "Data",
    ]);
    expect(namesIn("const text = 'a Convolution: of pixels'; // Slice: no\nclass Convolution {}")).to.deep.equal([]);
  });

  it("include the field of its parameters, which is that of the builder", () => {
    for (const [name, { param }] of Object.entries<LayerType>(layerTypes)) {
      const field = (LAYER_TYPES as Readonly<Record<string, string | null>>)[name];
      if (field === undefined) continue;
      // Every loss may have loss_param, whose fields are read for all of them alike.
      expect(field === "loss_param" && param === null ? null : field, name).to.equal(param);
    }
  });

  it("include of every data layer where its data comes from, and rows of a batch where it reads records", () => {
    for (const [name, type] of Object.entries<LayerType>(layerTypes)) {
      expect(isDataLayer(type), name).to.equal(type.data !== undefined);
      if (["database", "hdf5", "images", "windows"].includes(type.data?.origin ?? ""))
        expect(type.data?.batchSize, name).to.be.a("function");
    }
  });

  it("include of every loss and score what it is in inference", () => {
    for (const [name, { loss, score, inference }] of Object.entries<LayerType>(layerTypes)) {
      if (loss) expect(inference?.as, name).to.equal("prediction");
      if (score) expect(inference?.as, name).to.equal("nothing");
      if (/Loss$/.test(name)) expect(loss, name).to.equal(true);
    }
  });

  it("include a role for each blob of an affine layer", () => {
    const types: Readonly<Record<string, LayerType>> = layerTypes;
    for (const [name, { affine }] of Object.entries(types).filter(([, type]) => type.affine)) {
      const shape = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 5 } } }`;
      const bias = name === "Scale" ? "scale_param { bias_term: true }" : "";
      const text = `${shape} layer { name: "l" type: "${name}" bottom: "x" top: "y" ${bias} }`;
      const { parameters } = lower(loadNet(text).message.layer, { phase: "TEST" });
      expect(affine!.roles, name).to.have.length(parameters.length);
      expect(affine!.roles.includes("variance"), name).to.equal(affine!.epsilon !== undefined);
    }
  });

  it("of types that netrun runs are not also among those of types that it does not", () => {
    expect(Object.keys(unsupportedTypes).filter((name) => Object.hasOwn(layerTypes, name))).to.deep.equal([]);
  });

  it("of plugins are asked like those of built-in types", () => {
    registerLayer({
      type: "SpecScore",
      score: true,
      inference: { as: "nothing" },
      labels: () => ({ bottom: 1, classes: 7 }),
      lower: ({ bottoms }) => ({ tops: [bottoms[0]!] }),
    });
    const [layer] = loadNet('layer { name: "s" type: "SpecScore" bottom: "x" bottom: "t" top: "s" }').message.layer;
    const inputs = ["x", "t"].map((top) => `layer { name: "${top}" type: "Input" top: "${top}" }`).join(" ");
    const data = `${inputs} layer { name: "s" type: "SpecScore" bottom: "x" bottom: "t" top: "s" }`;
    const shapes = new Map([
      ["x", [2, 7]],
      ["t", [2]],
    ]);
    const { layer: layers } = loadNet(data).message;
    const lowered = lower(layers, { phase: "TEST", shapes, types: registeredTypes() });
    expect(labelRanges(layers, lowered)).to.deep.equal({ t: [{ layer: "s", classes: 7 }] });
    expect(factsOf(layer!).score).to.equal(true);
    expect(conversionOf("SpecScore")).to.equal("left out");
  });

  it("would be missed by the search above neither as literals nor as members", () => {
    expect(namesIn('const a = ["Pooling"]; // "ReLU"')).to.deep.equal(["Pooling"]);
    expect(namesIn("layerTypes.Filter.lower(site) /* 'Data' */")).to.deep.equal(["Filter"]);
  });
});
