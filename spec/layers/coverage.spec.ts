import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { type CatalogEntry, catalog, isDataLayer, type LayerType, layerTypes } from "../../lib/layers/index.js";
import { layerCases } from "../support/layer-cases.js";

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

/** Fields that change nothing in what a layer computes here, each with its reason. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  absolute: "the fork of RegionLoss does not read it",
  anno_type: "the annotations say it",
  class_map: "the fork of RegionLoss reads the file and uses nothing of it",
  coords: "boxes have four coordinates",
  force_encoded_color: "images are decoded as they are, and force_color says what they become",
  jitter: "the fork of RegionLoss does not read it",
  label_map_file: "names are for what is printed",
  loss_calculation_t: "CTC's cost is the same at every step",
  margin_on_test: "the fork has no margin in tests, whatever it says",
  pass_bp: "the gradient alone follows it; forks-label-margin.spec.ts computes it",
  prefetch: "how many batches are read ahead",
  reset_margin: "the fork of LabelSpecificMargin does not read it",
  random: "the fork of RegionLoss does not read it",
  save_file: "detections are not written to files",
  share_in_parallel: "replicas share nothing",
  softmax: "the fork of RegionLoss does not read it",
  visualize: "detections are not shown while they are computed",
  visualize_threshold: "detections are not shown while they are computed",
};

/** Fields of a message that several types have and only some read. */
const READ_BY_OTHERS: readonly { readonly fields: readonly string[]; readonly by: readonly string[] }[] = [
  // SegNet's weights are SoftmaxWithLoss's.
  { fields: ["weight_by_label_freqs", "class_weighting"], by: ["SoftmaxWithLoss"] },
  // Intel's, which other losses refuse.
  { fields: ["label_smoothing"], by: ["SoftmaxWithLoss"] },
  // As in its source.
  {
    fields: ["normalization", "normalize", "pre_fixed_normalizer"],
    by: Object.keys(layerTypes).filter((type) => type !== "MTCNNEuclideanLoss"),
  },
  // As in the forks, and refused there where it would matter.
  { fields: ["preprocess_collapse_repeated", "output_delay", "ctc_merge_repeated"], by: ["CTCLoss"] },
  {
    fields: ["ignore_label"],
    by: Object.keys(layerTypes).filter((type) => !type.startsWith("MultiBox") && type !== "SoftmaxCrossEntropyLoss"),
  },
  // AnnotatedData's distortions are refused in other data layers.
  { fields: ["resize_param", "distort_param", "expand_param", "emit_constraint"], by: ["AnnotatedData"] },
  // Im2col has windows alone.
  {
    fields: ["num_output", "bias_term", "group", "weight_filler", "bias_filler", "relu", "negative_slope"],
    by: Object.keys(layerTypes).filter((type) => type !== "Im2col"),
  },
  // Only C3D's and video-caffe's layers have windows of other axes; Convolution and Pooling refuse them.
  { fields: ["filter_group"], by: ["Convolution3D"] },
  {
    fields: ["kernel_d", "stride_d", "pad_d", "kstride", "kstride_h", "kstride_w", "kstride_d"],
    by: ["Convolution", "Pooling"],
  },
  { fields: ["kernel_l", "stride_l", "pad_l"], by: ["Convolution3D", "Deconvolution3D", "Pooling3D"] },
];

const isRead = (field: string, type: string) =>
  READ_BY_OTHERS.every(({ fields, by }) => !fields.includes(field) || by.includes(type));

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
