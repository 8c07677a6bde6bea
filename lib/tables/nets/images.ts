import { dataLayer, inputLayer, joinedLayer, netText, simpleLayer, unitsLayer } from "./layer-text.js";
import type { NetTexts } from "./mlp.js";

/** Data of a net for arrays of a shape, and its sizes. */
export interface ArrayPlan {
  readonly name: string;
  /** Shape of a row, [channels, height, width] of images. */
  readonly shape: readonly number[];
  /** True if the rows are bytes. */
  readonly isBytes: boolean;
  readonly classes: number;
  readonly train: string;
  readonly test: string | undefined;
  readonly batchSize: number;
  readonly testBatchSize: number;
  readonly hidden: readonly number[];
}

/** Bytes as numbers from 0 to 1. */
const UNIT = "transform_param { scale: 0.00390625 }";
/** Bytes as numbers from -1 to 1. */
const CENTRED = "transform_param { mean_value: 128 scale: 0.0078125 }";

function dataLayers(plan: ArrayPlan, transform: string, tops: readonly string[]): readonly string[] {
  const more = plan.isBytes ? transform : "";
  const train = dataLayer("TRAIN", plan.train, plan.batchSize, tops, more);
  return plan.test === undefined ? [train] : [train, dataLayer("TEST", plan.test, plan.testBatchSize, tops, more)];
}

/** Texts of a classifier: data, layers to the scores of classes, loss and accuracy. */
function classifier(plan: ArrayPlan, comment: string, transform: string, body: readonly string[]): NetTexts {
  return {
    trainTest: netText(plan.name, comment, [
      ...dataLayers(plan, transform, ["data", "label"]),
      ...body,
      joinedLayer("accuracy", "Accuracy", ["output", "label"], "include { phase: TEST }"),
      joinedLayer("loss", "SoftmaxWithLoss", ["output", "label"]),
    ]),
    deploy: netText(plan.name, `${comment}${plan.isBytes ? `\nBytes of the data came with ${transform}.` : ""}`, [
      inputLayer("data", [1, ...plan.shape]),
      ...body,
      simpleLayer("probability", "Softmax", "output", "", "probability"),
    ]),
  };
}

function convolution(name: string, bottom: string, outputs: number, pad: number): string {
  return `layer {
  name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}"
  param { lr_mult: 1 decay_mult: 1 }
  param { lr_mult: 2 decay_mult: 0 }
  convolution_param {
    num_output: ${outputs} kernel_size: 5${pad > 0 ? ` pad: ${pad}` : ""}
    weight_filler { type: "xavier" }
    bias_filler { type: "constant" value: 0 }
  }
}`;
}

const pooling = (name: string, bottom: string, pool: "MAX" | "AVE", size: number): string =>
  simpleLayer(name, "Pooling", bottom, `pooling_param { pool: ${pool} kernel_size: ${size} stride: 2 }`, name);

/** LeNet (LeCun 1998, with rectified units, as Caffe has it). */
export function lenetTexts(plan: ArrayPlan): NetTexts {
  return classifier(plan, `LeNet for ${plan.classes} classes of [${plan.shape}].`, UNIT, [
    convolution("conv1", "data", 20, 0),
    pooling("pool1", "conv1", "MAX", 2),
    convolution("conv2", "pool1", 50, 0),
    pooling("pool2", "conv2", "MAX", 2),
    unitsLayer("hidden1", "pool2", plan.hidden[0]!),
    simpleLayer("rectifier1", "ReLU", "hidden1"),
    unitsLayer("output", "hidden1", plan.classes),
  ]);
}

/** The net that Caffe's examples call CIFAR-10 quick. */
export function cifarTexts(plan: ArrayPlan): NetTexts {
  return classifier(plan, `CIFAR-10 quick for ${plan.classes} classes of [${plan.shape}].`, CENTRED, [
    convolution("conv1", "data", 32, 2),
    pooling("pool1", "conv1", "MAX", 3),
    simpleLayer("rectifier1", "ReLU", "pool1"),
    convolution("conv2", "pool1", 32, 2),
    simpleLayer("rectifier2", "ReLU", "conv2"),
    pooling("pool2", "conv2", "AVE", 3),
    convolution("conv3", "pool2", 64, 2),
    simpleLayer("rectifier3", "ReLU", "conv3"),
    pooling("pool3", "conv3", "AVE", 3),
    unitsLayer("hidden1", "pool3", plan.hidden[0]!),
    unitsLayer("output", "hidden1", plan.classes),
  ]);
}

const sigmoids = (plan: ArrayPlan): readonly string[] =>
  plan.hidden.flatMap((count, i) => [
    unitsLayer(`hidden${i + 1}`, i === 0 ? "data" : `hidden${i}`, count),
    simpleLayer(`sigmoid${i + 1}`, "Sigmoid", `hidden${i + 1}`),
  ]);

/** Layers of sigmoid units that `netrun pretrain` trains one by one first. */
export function dbnTexts(plan: ArrayPlan): NetTexts {
  const comment = `A deep-belief net for ${plan.classes} classes of [${plan.shape}]: pretrain it layer by layer, then train it.`;
  const body = [...sigmoids(plan), unitsLayer("output", `hidden${plan.hidden.length}`, plan.classes)];
  return classifier(plan, comment, UNIT, body);
}

/** A deep autoencoder, which `netrun pretrain` may train layer by layer first. */
export function arrayAutoencoderTexts(plan: ArrayPlan): NetTexts {
  const width = plan.shape.reduce((product, dim) => product * dim, 1);
  const comment = `An autoencoder: gives the ${width} numbers of a row again through ${plan.hidden.join(", ")} units.`;
  const body = [...sigmoids(plan), unitsLayer("output", `hidden${plan.hidden.length}`, width)];
  return {
    trainTest: netText(plan.name, comment, [
      ...dataLayers(plan, UNIT, ["data"]),
      ...body,
      joinedLayer("loss", "EuclideanLoss", ["output", "data"]),
    ]),
    deploy: netText(plan.name, comment, [inputLayer("data", [1, ...plan.shape]), ...body]),
  };
}

/** Data of a net for sequences of tokens. */
export interface TextPlan extends ArrayPlan {
  /** Different tokens. */
  readonly tokens: number;
}

/** An LSTM over the tokens of a text, whose mean state tells its class. */
export function lstmTexts(plan: TextPlan): NetTexts {
  const [steps] = plan.shape;
  const flags = (rows: number, phase?: "TRAIN" | "TEST") =>
    `layer { name: "go_on" type: "ContinuationIndicator" top: "go_on"${phase ? ` include { phase: ${phase} }` : ""} continuation_indicator_param { time_step: ${steps} batch_size: ${rows} } }`;
  const body = (more: readonly string[]) => [
    "# Steps first, as recurrent layers have them: [steps, rows].",
    simpleLayer("steps", "Permute", "data", "permute_param { order: 1 order: 0 }", "steps"),
    simpleLayer(
      "embedding",
      "Embed",
      "steps",
      `embed_param { input_dim: ${plan.tokens} num_output: 32 bias_term: false weight_filler { type: "uniform" min: -0.1 max: 0.1 } }`,
      "embedding",
    ),
    "# 0 at the first step of each text, so that nothing is kept of the one before.",
    ...more,
    joinedLayer(
      "lstm",
      "LSTM",
      ["embedding", "go_on"],
      `recurrent_param { num_output: ${plan.hidden[0]!} weight_filler { type: "xavier" } bias_filler { type: "constant" } }`,
    ),
    "# The mean over all steps: [rows, units].",
    simpleLayer("units_first", "Permute", "lstm", "permute_param { order: 1 order: 2 order: 0 }", "units_first"),
    simpleLayer("mean", "Reduction", "units_first", "reduction_param { operation: MEAN axis: 2 }", "mean"),
    unitsLayer("output", "mean", plan.classes),
  ];
  const comment = `An LSTM for ${plan.classes} classes of texts of ${steps} tokens, ${plan.tokens} different ones.`;
  const raw = { ...plan, isBytes: false };
  const train = [
    flags(plan.batchSize, "TRAIN"),
    ...(plan.test === undefined ? [] : [flags(plan.testBatchSize, "TEST")]),
  ];
  return {
    trainTest: classifier(raw, comment, "", body(train)).trainTest,
    deploy: classifier(raw, comment, "", body([flags(1)])).deploy,
  };
}
