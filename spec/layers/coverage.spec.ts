import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { type CatalogEntry, catalog, isDataLayer, type LayerType, layerTypes } from "../../lib/layers/index.js";
import { layerCases } from "../support/layer-cases.js";
import { isRead, WITHOUT_EFFECT } from "../support/layer-fields.js";

/** Files of a folder of the repository with an ending, by their names. */
const textsOf = (folder: string, ending: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ending) && !/^(catalog|coverage|facts|gradient)\.spec\.ts$/.test(name))
    .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));

const SPECS = textsOf("spec/layers", ".spec.ts");
const DATA = [
  ...textsOf("spec/data", ".spec.ts"),
  ...textsOf("spec/train", "detection.spec.ts"),
  ...textsOf("fixtures/goldens/data", ".prototxt"),
];
const GOLDENS = textsOf("fixtures/goldens/layers", ".prototxt");

const named = (texts: readonly { readonly name: string; readonly text: string }[], type: string) =>
  texts.filter(({ text }) => text.includes(`"${type}"`));

const typeOf = (type: string) => (layerTypes as Readonly<Record<string, LayerType>>)[type]!;
const casesOf = (type: string) => layerCases[type as keyof typeof layerCases] as readonly { param?: string }[] | string;

/** Texts of specs and goldens that have a layer of a type. Readers of data share their code and their specs. */
function textsFor({ type }: CatalogEntry): string {
  const texts = [...named(SPECS, type), ...named(GOLDENS, type)];
  const all = isDataLayer(typeOf(type)) ? [...texts, ...DATA] : texts;
  return [JSON.stringify(casesOf(type)), ...all.map(({ text }) => text)].join("\n");
}

describe("specs of layers", () => {
  it("compute each type forward, in a golden of Caffe's or a spec of its rules", () => {
    const without = catalog().filter(({ type }) => {
      const places = isDataLayer(typeOf(type)) ? [...SPECS, ...DATA] : [...SPECS, ...GOLDENS];
      return named(places, type).length === 0;
    });
    expect(without.map(({ type }) => type)).to.deep.equal([]);
  });

  it("compare the gradients of each type that trains with differences, or with the authors' where theirs are others", () => {
    const without = catalog().filter(({ type }) => {
      const cases = casesOf(type);
      const layer = typeOf(type);
      if (typeof cases !== "string") return cases.length === 0;
      if (isDataLayer(layer)) return cases !== "brings data in";
      if (layer.inferenceOnly) return cases !== "is for inference only";
      // A loss without cases has a gradient all the same; a spec runs it backward.
      if (layer.loss || cases.startsWith("has its authors'"))
        return !named(SPECS, type).some(
          ({ name, text }) =>
            !name.endsWith("settings.spec.ts") && /(seeds:|\bgradient\()/.test(text) && /gradients/.test(text),
        );
      return !/^(counts|gives|picks|has no tops|is constant|is what a plugin)/.test(cases);
    });
    expect(without.map(({ type }) => type)).to.deep.equal([]);
  });

  it("walk every setting of each type, but for those without an effect", () => {
    const missing = catalog().flatMap((entry) => {
      const text = textsFor(entry);
      const fields = entry.params.flatMap((param) => param.fields.map(({ name }) => name));
      return fields
        .filter((name) => !Object.hasOwn(WITHOUT_EFFECT, name) && isRead(name, entry.type))
        .filter((name) => !new RegExp(`\\b${name}\\b`).test(text))
        .map((name) => `${entry.type}: ${name}`);
    });
    expect([...new Set(missing)]).to.deep.equal([]);
  });

  it("name no setting as without effect that no type has", () => {
    const fields = new Set(
      catalog().flatMap(({ params }) => params.flatMap((param) => param.fields.map((f) => f.name))),
    );
    expect(Object.keys(WITHOUT_EFFECT).filter((name) => !fields.has(name))).to.deep.equal([]);
  });
});
