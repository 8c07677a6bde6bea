import { existsSync } from "node:fs";
import { join } from "node:path";
import { Net } from "../api/net.js";
import { loadNet } from "../caffe/load.js";
import { Phase } from "../caffe/messages.js";
import { detectSource } from "../data/source/detect.js";
import { openSource } from "../data/source/open.js";
import type { Tensor, Tensors } from "../data/tensor.js";
import { NetrunError } from "../error.js";
import { newestWeights } from "./model-folder.js";
import { predictTexts, trainingTexts } from "./predict-texts.js";
import type { PredictedRow, PredictOptions, TablePredictions } from "./predictions.js";

const NET = "train_test.prototxt";
/** Blobs of the nets that `newNet` writes for arrays. */
const [DATA, LABEL, OUTPUT] = ["data", "label", "output"];

/** Tests whether a folder's model is one for arrays: a net that `newNet` wrote for no table. */
export const isArrayModel = (folder: string): boolean =>
  !existsSync(join(folder, "preparation.json")) && existsSync(join(folder, NET));

/**
 * Predictions of an array model for the rows of a data set, by its net of phase TEST (TRAIN where no rows were held out): of an autoencoder the error of the reconstruction, in
 * units of what the net reads, of a classifier the number of the class and probabilities. Throws NetrunError for a model that is not trained, and data that
 * the net does not take.
 */
export async function predictArrays(options: PredictOptions): Promise<TablePredictions> {
  const { model, data, batchSize = 256 } = options;
  if (options.onBadRecord === "skip") throw new NetrunError("onBadRecord has no effect: it is for tables");
  const path = join(model, NET);
  const { layer: layers } = loadNet(path).message;
  const training = trainingTexts(layers, model);
  if (training) return predictTexts(options, training);
  const weights = options.weights ?? newestWeights(model);
  await using source = await openSource(detectSource(data));
  const rows = source.length;
  const isTested = layers.some(
    ({ top, include }) => top.includes(DATA) && include.some(({ phase }) => phase === Phase.TEST),
  );
  const phase = isTested ? "TEST" : "TRAIN";
  const net = await Net.load(path, { weights, phase, data, batchSize: Math.min(batchSize, rows) });
  const isClassifier = layers.some(({ top }) => top.includes(LABEL));
  const classes = net.params.get(OUTPUT)?.[0]?.shape[0] ?? 0;
  const tally = { rows: 0, right: 0 };
  return {
    columns: ["row", ...(isClassifier ? ["label"] : [])],
    added: isClassifier
      ? ["predicted_label", ...Array.from({ length: classes }, (_, i) => `p_${i}`)]
      : ["reconstruction_error"],
    label: undefined,
    summary: () => ({
      ...{ rows: tally.rows, failed: 0, unseen: {} },
      ...(isClassifier && tally.rows > 0 && { accuracy: tally.right / tally.rows }),
    }),
    async *[Symbol.asyncIterator]() {
      const blobs = isClassifier ? [OUTPUT, LABEL] : [OUTPUT, DATA];
      for (let at = 0; at < rows; ) {
        const batch = await net.forward({}, { blobs });
        const size = batch[OUTPUT]!.shape[0]!;
        // The last batch is filled with rows from the start.
        for (let i = 0; i < Math.min(size, rows - at); i++) {
          const label = batch[LABEL]?.data[i];
          const found = label === undefined ? errorOf(batch, i) : classOf(rowAt(batch[OUTPUT]!, i));
          tally.rows++;
          if (label !== undefined && Number(found.prediction) === label) tally.right++;
          yield { cells: [String(at + i), ...(label === undefined ? [] : [String(label)])], ...found };
        }
        at += size;
      }
    },
    [Symbol.asyncDispose]: () => net[Symbol.asyncDispose](),
  };
}

function rowAt(tensor: Tensor, row: number): Float32Array {
  const width = tensor.data.length / tensor.shape[0]!;
  return tensor.data.subarray(row * width, (row + 1) * width);
}

/** The mean of the squared differences of a row and its reconstruction. */
function errorOf(batch: Tensors, row: number): Omit<PredictedRow, "cells"> {
  const [given, wanted] = [rowAt(batch[OUTPUT]!, row), rowAt(batch[DATA]!, row)];
  return { error: given.reduce((sum, value, i) => sum + (value - wanted[i]!) ** 2, 0) / given.length };
}

/** The class of the greatest score, and the softmax of all. */
function classOf(scores: Float32Array): Omit<PredictedRow, "cells"> {
  const most = Math.max(...scores);
  const powers = Array.from(scores, (score) => Math.exp(score - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return { prediction: String(scores.indexOf(most)), probabilities: powers.map((power) => power / sum) };
}
