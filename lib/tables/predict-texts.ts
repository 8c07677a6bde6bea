import { join } from "node:path";
import { Net } from "../api/net.js";
import { findPath } from "../caffe/files.js";
import type { LayerParameter } from "../caffe/messages.js";
import { columnsOf, notesOf } from "../data/source/columns.js";
import { detectSource } from "../data/source/detect.js";
import { failureError } from "../data/source/failures.js";
import { openRecords, openSource, type SourceSpec } from "../data/source/open.js";
import { WHOLE } from "../data/source/source.js";
import { NetrunError } from "../error.js";
import { newestWeights } from "./model-folder.js";
import type { PredictOptions, TablePredictions } from "./predictions.js";

type Texts = Extract<SourceSpec, { kind: "text" }>;

/** The texts that a net's first source of data holds; undefined where it holds others. Throws NetrunError where they are not there. */
export function trainingTexts(layers: readonly LayerParameter[], folder: string): Texts | undefined {
  const name = layers.flatMap(({ data_param: param }) => (param ? [param.source] : []))[0];
  if (name === undefined || name.startsWith("netrun:")) return undefined;
  const [path = "", query] = name.split(/\?(?=[^?]*$)/);
  const spec = detectSource(`${findPath(path, folder) ?? path}${query === undefined ? "" : `?${query}`}`);
  return spec.kind === "text" ? spec : undefined;
}

/**
 * Predictions of a net for texts, a line or file each, with the vocabulary and classes of those that it was trained on, which have to be
 * there. Classes before tabs are scored where there are some. Throws NetrunError for data that is no text.
 */
export async function predictTexts(options: PredictOptions, training: Texts): Promise<TablePredictions> {
  const { model, data } = options;
  const given = detectSource(data);
  if (given.kind !== "text") throw new NetrunError("holds no texts", { file: data, notes: ["a line a text"] });
  const { length, tokens, hash, path, vocabulary = path } = training;
  const spec: Texts = { kind: "text", path: given.path, length, tokens, hash, vocabulary };
  const classes = await classesOf(training);
  const source = await openRecords(spec);
  const isLabelled = source.fields["label"] !== undefined;
  const net = await Net.load(join(model, "deploy.prototxt"), { weights: options.weights ?? newestWeights(model) });
  const tally = { rows: 0, right: 0 };
  const output = net.outputs.at(-1)!;
  return {
    columns: ["row", ...(isLabelled ? ["label"] : [])],
    added: ["predicted_label", ...classes.map((name) => `p_${name}`)],
    label: undefined,
    summary: () => ({
      ...{ rows: tally.rows, failed: 0, unseen: {} },
      ...(isLabelled && tally.rows > 0 && { accuracy: tally.right / tally.rows }),
    }),
    async *[Symbol.asyncIterator]() {
      for await (const batch of source.batches(WHOLE)) {
        const { data: words, label } = columnsOf(batch);
        if (!words || words.dtype === "image" || label?.dtype === "image") throw new Error("texts are rows of tokens");
        for (const [row, why] of notesOf(batch).failures)
          throw failureError(`${await source.locate(tally.rows + row, 0)}: ${why}`);
        for (let i = 0; i < batch.numRows; i++) {
          const inputs = Float32Array.from(words.values.subarray(i * length, (i + 1) * length));
          const found = await net.forward({ data: { shape: [1, length], data: inputs } }, { blobs: [output] });
          const probabilities = [...found[output]!.data];
          const best = probabilities.indexOf(Math.max(...probabilities));
          if (label && label.values[i] === best) tally.right++;
          const cells = [String(tally.rows++), ...(label ? [classes[label.values[i]!]!] : [])];
          yield { cells, prediction: classes[best]!, probabilities };
        }
      }
    },
    async [Symbol.asyncDispose]() {
      await net[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
    },
  };
}

/** Names of the classes of texts. */
async function classesOf(training: Texts): Promise<readonly string[]> {
  await using source = await openSource(training);
  return source.labels?.["label"] ?? [];
}
