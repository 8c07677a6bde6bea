import { Net } from "../api/net.js";
import { type Encoder, encoderOf } from "../data/source/prepared/encode.js";
import { inputCount, type PreparedLabel } from "../data/source/prepared/preparation.js";
import { openTable, type TextTable } from "../data/source/prepared/table.js";
import { failureError } from "../data/source/failures.js";
import { openModel, type TableModel } from "./model-folder.js";
import { isArrayModel, predictArrays } from "./predict-arrays.js";
import type { PredictedRow, PredictionSummary, PredictOptions, TablePredictions } from "./predictions.js";
import { namedTable } from "./table-spec.js";

/**
 * Opens a model to predict the rows of a table: cells are prepared as those to train on were, and classes and numbers come back in the label's own
 * terms. A model for arrays or images takes any data set of such rows. Rows are read as they are asked for. Throws NetrunError for a model that is not trained, and a table that lacks a column.
 */
export async function predict(options: PredictOptions): Promise<TablePredictions> {
  if (isArrayModel(options.model)) return predictArrays(options);
  const model = openModel(options.model, options.weights);
  const table = await openTable(namedTable(options.data).spec);
  const encoder = encoderOf(model.preparation, table);
  const net = await Net.load(model.deploy, { weights: model.weights });
  const tally = new Tally(model.preparation.label);
  const { label } = model.preparation;
  return {
    columns: table.columns,
    added: addedColumns(label, table.columns),
    label,
    summary: () => tally.summary(encoder),
    [Symbol.asyncIterator]: () => predicted(net, model, table, encoder, tally, options),
    [Symbol.asyncDispose]: () => net[Symbol.asyncDispose](),
  };
}

/** Names of what is added to a row; a name that the table has is changed. */
function addedColumns(label: PreparedLabel | undefined, columns: readonly string[]): readonly string[] {
  const names = !label
    ? ["reconstruction_error"]
    : [`predicted_${label.name}`, ...(label.kind === "classes" ? label.classes.map((text) => `p_${text}`) : [])];
  return names.map((name) => {
    let free = name;
    while (columns.includes(free)) free = `${free}_`;
    return free;
  });
}

interface Pending {
  readonly cells: readonly string[];
  readonly inputs: Float32Array;
  readonly label: number | undefined;
  readonly failure: string | undefined;
}

async function* predicted(
  net: Net,
  model: TableModel,
  table: TextTable,
  encoder: Encoder,
  tally: Tally,
  { batchSize = 256, onBadRecord = "fail" }: PredictOptions,
): AsyncGenerator<PredictedRow, void> {
  let pending: Pending[] = [];
  for await (const { cells, line } of table.rows()) {
    const row = encoder.row(cells);
    // A class that the net has not is no reason not to predict the row.
    const failure = row.failure;
    if (failure !== undefined && onBadRecord === "fail") throw failureError(`${table.where(line)}: ${failure}`);
    pending.push({ cells, ...row });
    if (pending.length < batchSize) continue;
    yield* await batch(net, model, pending, tally);
    pending = [];
  }
  if (pending.length > 0) yield* await batch(net, model, pending, tally);
}

async function batch(
  net: Net,
  { preparation }: TableModel,
  rows: readonly Pending[],
  tally: Tally,
): Promise<readonly PredictedRow[]> {
  const width = inputCount(preparation);
  const inputs = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) inputs.set(row.inputs, i * width);
  const output = net.outputs.at(-1)!;
  const given = await net.forward({ data: { shape: [rows.length, width], data: inputs } }, { blobs: [output] });
  const { data, shape } = given[output]!;
  const count = data.length / shape[0]!;
  return rows.map((row, i) => {
    const { cells, failure } = row;
    if (failure !== undefined) {
      tally.failed();
      return { cells, failure };
    }
    return { cells, ...tally.add(data.subarray(i * count, (i + 1) * count), row) };
  });
}

/** Turns outputs into the label's terms, and counts how right they are. */
class Tally {
  readonly #label: PreparedLabel | undefined;
  #rows = 0;
  #failed = 0;
  #scored = 0;
  #right = 0;
  #squares = 0;
  #absolutes = 0;

  constructor(label: PreparedLabel | undefined) {
    this.#label = label;
  }

  failed(): void {
    this.#rows++;
    this.#failed++;
  }

  add(outputs: Float32Array, { inputs, label: truth }: Pending): Omit<PredictedRow, "cells"> {
    this.#rows++;
    const label = this.#label;
    if (!label) {
      const sum = outputs.reduce((total, value, i) => total + (value - inputs[i]!) ** 2, 0);
      return { error: sum / outputs.length };
    }
    if (truth !== undefined) this.#scored++;
    if (label.kind === "classes") {
      const best = outputs.indexOf(Math.max(...outputs));
      if (truth === best) this.#right++;
      return { prediction: label.classes[best]!, probabilities: [...outputs] };
    }
    const prediction = outputs[0]! * label.deviation + label.mean;
    if (truth !== undefined) {
      const error = (outputs[0]! - truth) * label.deviation;
      this.#squares += error * error;
      this.#absolutes += Math.abs(error);
    }
    return { prediction };
  }

  summary({ counts }: Encoder): PredictionSummary {
    const scored = this.#scored;
    const scores =
      scored === 0
        ? {}
        : this.#label?.kind === "classes"
          ? { accuracy: this.#right / scored }
          : { rmse: Math.sqrt(this.#squares / scored), mae: this.#absolutes / scored };
    return { rows: this.#rows, failed: this.#failed, unseen: Object.fromEntries(counts.unseen), ...scores };
  }
}
