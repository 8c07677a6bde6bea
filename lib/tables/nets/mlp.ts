import { categoryCount, inputCount, inputPlaces, type Preparation } from "../../data/source/prepared/preparation.js";
import { NetrunError } from "../../error.js";
import type { TABLE_NET } from "../../options/new-net.js";
import type { ApiOptions } from "../../options/option.js";
import { quote } from "../../text/literal.js";
import { dataLayer, inputLayer, joinedLayer, netText, simpleLayer, unitsLayer } from "./layer-text.js";

/** Options of a net for a table. */
export type TableNetOptions = ApiOptions<typeof TABLE_NET>;

/** All that the texts of a net are made of. */
export interface TablePlan {
  readonly name: string;
  readonly preparation: Preparation;
  readonly options: TableNetOptions;
  readonly batchSize: number;
  /** Rows of a batch of tests. */
  readonly testBatchSize: number;
  readonly seed: number;
}

/** The texts of a net: to train and test, and to predict. */
export interface NetTexts {
  readonly trainTest: string;
  readonly deploy: string;
}

/** A net of fully connected layers that predicts the label of a table's rows. */
export function mlpTexts(plan: TablePlan): NetTexts {
  const { name, preparation, options } = plan;
  const label = preparation.label!;
  const count = label.kind === "classes" ? label.classes.length : 1;
  const body = [...features(plan), ...hidden(plan, options.activation ?? "rectifier")];
  const output = unitsLayer("output", topOf(plan), count);
  const first = dataLayers(plan, ["data", "label"]);
  const predicts = label.kind === "classes" ? `the class of ${label.name}` : `${label.name}, standardised`;
  const comment = `Predicts ${predicts}, from ${inputCount(preparation)} inputs that preparation.json makes of a row.`;
  const scored = label.kind === "classes" ? classLoss(label, options) : numberLoss(options);
  const answer = label.kind === "classes" ? [simpleLayer("probability", "Softmax", "output", "", "probability")] : [];
  return {
    trainTest: netText(name, comment, [...first, ...body, output, ...scored]),
    deploy: netText(name, comment, [inputLayer("data", [1, inputCount(preparation)]), ...body, output, ...answer]),
  };
}

/** A net that gives a row's inputs again through fewer units. */
export function autoencoderTexts(plan: TablePlan): NetTexts {
  const { name, preparation, options } = plan;
  const width = inputCount(preparation);
  const body = [
    ...features(plan),
    ...hidden(plan, options.activation ?? "tanh"),
    unitsLayer("output", topOf(plan), width),
  ];
  const comment = `An autoencoder: gives the ${width} inputs that preparation.json makes of a row again.`;
  return {
    trainTest: netText(name, comment, [
      ...dataLayers(plan, ["data"]),
      ...body,
      joinedLayer("loss", "EuclideanLoss", ["output", "data"]),
    ]),
    deploy: netText(name, comment, [inputLayer("data", [1, width]), ...body]),
  };
}

function dataLayers(
  { preparation, batchSize, testBatchSize, seed }: TablePlan,
  tops: readonly string[],
): readonly string[] {
  const train = dataLayer("TRAIN", `preparation.json?part=train&shuffle=${seed}`, batchSize, tops);
  const hasTest = preparation.heldOut > 0 || preparation.testTable !== undefined;
  return hasTest ? [train, dataLayer("TEST", "preparation.json?part=test", testBatchSize, tops)] : [train];
}

const isEmbedded = ({ preparation }: TablePlan): boolean =>
  preparation.columns.some((column) => column.kind === "category" && column.form === "index");

/** The blob that the first hidden layer reads. */
const featuresTop = (plan: TablePlan): string => {
  if (plan.options.inputDropout) return "dropped";
  return isEmbedded(plan) ? "features" : "data";
};

/** The blob that the output layer reads. */
const topOf = (plan: TablePlan): string => {
  const { length } = plan.options.hidden ?? [];
  return length === 0 ? featuresTop(plan) : `hidden${length}`;
};

/** Numbers of a category where nobody says how many: a rule of thumb that fastai uses, and the same as its. */
const embeddingSize = (categories: number): number => Math.min(600, Math.round(1.6 * categories ** 0.56));

/** Categories become trained numbers; inputs are dropped. */
function features(plan: TablePlan): readonly string[] {
  const { preparation, options } = plan;
  const layers: string[] = [];
  if (isEmbedded(plan)) {
    const places = inputPlaces(preparation);
    const indices = places.flatMap(({ column, first }) =>
      column.kind === "category" && column.form === "index" ? [{ column, first }] : [],
    );
    const wide = indices[0]!.first;
    const names = indices.map(({ column }) => column.name);
    const tops = [...(wide > 0 ? ["numbers"] : []), ...names.map((name) => `${name}_index`)];
    if (tops.length > 1) {
      const points = tops.slice(1).map((_, i) => `slice_point: ${(wide > 0 ? wide : 1) + i}`);
      const listed = tops.map((top) => `top: ${quote(top)}`).join(" ");
      layers.push(
        `layer { name: "columns" type: "Slice" bottom: "data" ${listed} slice_param { axis: 1 ${points.join(" ")} } }`,
      );
    }
    for (const { column } of indices) {
      const count = categoryCount(column);
      const size = typeof options.embed === "number" ? options.embed : embeddingSize(count);
      const bottom = tops.length > 1 ? `${column.name}_index` : "data";
      layers.push(
        `# ${size} trained numbers for each category of ${column.name}; the last row is of missing and unseen ones.`,
        simpleLayer(`${column.name}_embedding`, "Embed", bottom, embedding(count, size), `${column.name}_embedded`),
        simpleLayer(`${column.name}_flat`, "Flatten", `${column.name}_embedded`, "", `${column.name}_numbers`),
      );
    }
    layers.push(
      joinedLayer("features", "Concat", [...(wide > 0 ? ["numbers"] : []), ...names.map((name) => `${name}_numbers`)]),
    );
  }
  if (options.inputDropout) {
    const from = isEmbedded(plan) ? "features" : "data";
    layers.push(
      simpleLayer(
        "input_dropout",
        "Dropout",
        from,
        `dropout_param { dropout_ratio: ${options.inputDropout} }`,
        "dropped",
      ),
    );
  }
  return layers;
}

const embedding = (count: number, size: number): string =>
  `embed_param { input_dim: ${count} num_output: ${size} bias_term: false weight_filler { type: "uniform" min: -0.1 max: 0.1 } }`;

function hidden(plan: TablePlan, activation: "rectifier" | "tanh" | "maxout"): readonly string[] {
  const { hidden: sizes = [], dropout, maxNorm } = plan.options;
  const shares = typeof dropout === "number" ? [dropout] : (dropout ?? []);
  if (shares.length > 1 && shares.length !== sizes.length)
    throw new NetrunError(`dropout has ${shares.length} values for ${sizes.length} hidden layers`, {
      notes: ["give one for all, or one each"],
    });
  let bottom = featuresTop(plan);
  return sizes.flatMap((count, i) => {
    const name = `hidden${i + 1}`;
    const layers =
      activation === "maxout"
        ? [
            unitsLayer(`${name}_pieces`, bottom, 2 * count, { maxNorm }),
            simpleLayer(name, "Maxout", `${name}_pieces`, "maxout_param { chgroup_sz: 2 }", name),
          ]
        : [
            unitsLayer(name, bottom, count, { maxNorm }),
            simpleLayer(`${activation}${i + 1}`, activation === "tanh" ? "TanH" : "ReLU", name),
          ];
    const share = shares.length === 1 ? shares[0]! : (shares[i] ?? 0);
    if (share > 0)
      layers.push(simpleLayer(`dropout${i + 1}`, "Dropout", name, `dropout_param { dropout_ratio: ${share} }`));
    bottom = name;
    return layers;
  });
}

function classLoss(
  label: Extract<Preparation["label"], { kind: "classes" }>,
  options: TableNetOptions,
): readonly string[] {
  const weights = classWeights(label, options.classWeights);
  const listed = weights?.map((weight) => `class_weighting: ${weight}`).join(" ");
  const more = listed === undefined ? "" : `loss_param { weight_by_label_freqs: true ${listed} }`;
  return [
    joinedLayer("accuracy", "Accuracy", ["output", "label"], "include { phase: TEST }"),
    joinedLayer("loss", "SoftmaxWithLoss", ["output", "label"], more),
  ];
}

/** A weight for each class. Throws NetrunError for classes that are none. */
function classWeights(
  { classes, rows, name }: Extract<Preparation["label"], { kind: "classes" }>,
  given: string | undefined,
): readonly number[] | undefined {
  if (given === undefined) return undefined;
  const all = rows.reduce((sum, each) => sum + each, 0);
  if (given === "balanced")
    return rows.map((each) => Number((all / (classes.length * Math.max(1, each))).toPrecision(6)));
  const weights = new Map<string, number>();
  for (const item of given.split(",")) {
    const at = item.lastIndexOf("=");
    const [text, weight] = [item.slice(0, at), Number(item.slice(at + 1))];
    if (at < 1 || !(weight >= 0 && Number.isFinite(weight)))
      throw new NetrunError(`class weight ${quote(item)}: give CLASS=WEIGHT, or balanced`);
    if (!classes.includes(text))
      throw new NetrunError(`class weight ${quote(item)}: ${name} has no class "${text}"`, {
        notes: [`its classes: ${classes.slice(0, 20).join(", ")}`],
      });
    weights.set(text, weight);
  }
  return classes.map((text) => weights.get(text) ?? 1);
}

function numberLoss({ loss = "euclidean", quantile = 0.5 }: TableNetOptions): readonly string[] {
  const target = simpleLayer("target", "Reshape", "label", "reshape_param { shape { dim: 0 dim: 1 } }", "target");
  if (loss === "euclidean") return [joinedLayer("loss", "EuclideanLoss", ["output", "label"])];
  if (loss === "huber")
    return [
      target,
      "# Huber's loss: squares up to a deviation, absolute values above.",
      joinedLayer("loss", "SmoothL1Loss", ["output", "target"]),
    ];
  if (loss === "absolute") return [target, joinedLayer("loss", "L1Loss", ["output", "target"])];
  return [
    target,
    `# The loss of a quantile: d = target - output; ${quantile} d where that is above 0, else ${rounded(quantile - 1)} d.`,
    joinedLayer("difference", "Eltwise", ["target", "output"], "eltwise_param { operation: SUM coeff: 1 coeff: -1 }"),
    simpleLayer("above", "Power", "difference", `power_param { scale: ${quantile} }`, "above"),
    simpleLayer("below", "Power", "difference", `power_param { scale: ${rounded(quantile - 1)} }`, "below"),
    joinedLayer("each", "Eltwise", ["above", "below"], "eltwise_param { operation: MAX }"),
    simpleLayer("loss", "Reduction", "each", "reduction_param { operation: MEAN } loss_weight: 1", "loss"),
  ];
}

const rounded = (value: number): number => Number(value.toPrecision(6));
