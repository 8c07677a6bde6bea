import { countOrNone, countRange, SEED } from "./number.js";
import type { Options } from "./option.js";

/** Shares below 1: of rows held out, of units dropped. */
const SHARE = { min: 0, max: 0.95 } as const;

/** The losses of nets for tables, by the names that are usual for them. */
export const LOSSES = ["softmax", "euclidean", "huber", "absolute", "quantile"] as const;
export const ACTIVATIONS = ["rectifier", "tanh", "maxout"] as const;

/** The course of a training: batches, passes, seed. */
export const COURSE_OF_NET = {
  batchSize: { type: "number", range: countRange("rows"), describe: "Rows per batch (default 32)" },
  epochs: {
    type: "number",
    range: { above: 0 },
    describe: "Passes over the rows (default 10, or those of 2,000 iterations)",
  },
  seed: { type: "number", range: SEED, describe: "Seed of weights, order and held-out rows (default 1)" },
} as const satisfies Options;

/** Options of a net for a table. */
export const TABLE_NET = {
  hidden: { type: "numbers", range: countRange("units"), describe: "Units of the hidden layers: 16,16" },
  activation: {
    type: "choice",
    choices: ACTIVATIONS,
    describe: "Activation of hidden layers (default rectifier; tanh for autoencoders)",
  },
  loss: {
    type: "choice",
    choices: LOSSES,
    describe:
      "Loss: softmax for classes, the others for numbers (default: softmax or euclidean, by the label's values)",
  },
  quantile: {
    type: "number",
    range: { above: 0, max: 0.999 },
    describe: "Quantile that --loss quantile predicts (default 0.5)",
  },
  classWeights: {
    type: "string",
    describe: "Weights of classes in the loss: balanced, or CLASS=WEIGHT[,CLASS=WEIGHT...]",
  },
  embed: {
    type: "number",
    range: countRange("numbers"),
    words: ["auto"],
    describe: "Size of trained embeddings of categories, instead of one-hot inputs: auto, or a number",
  },
  dropout: { type: "numbers", range: SHARE, describe: "Share of hidden units to drop: one for all layers or one each" },
  inputDropout: { type: "number", range: SHARE, describe: "Share of inputs to drop" },
  l1: { type: "number", range: { min: 0 }, describe: "Weight decay by absolute values" },
  l2: { type: "number", range: { min: 0 }, describe: "Weight decay by squares" },
  maxNorm: {
    type: "number",
    range: { above: 0 },
    describe: "Maximum norm of a unit's weights (H2O's max_w2 is its square)",
  },
  heldOut: { type: "number", range: SHARE, describe: "Share of the rows to test on (default 0.2)" },
  ignore: { type: "names", describe: "Columns to ignore: NAME[,NAME...]" },
  categories: { type: "names", describe: "Columns of numbers to read as categories: NAME[,NAME...]" },
  maxCategories: {
    type: "number",
    range: { ...countOrNone("categories"), max: 10_000 },
    describe: "Maximum number of categories per column (default 1000)",
  },
} as const satisfies Options;
