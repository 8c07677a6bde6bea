import { Net } from "../api/net.js";
import { failureError } from "../data/source/failures.js";
import { encoderOf } from "../data/source/prepared/encode.js";
import { inputCount, inputPlaces } from "../data/source/prepared/preparation.js";
import { openTable } from "../data/source/prepared/table.js";
import { NetrunError } from "../error.js";
import { random } from "../random.js";
import type { ExplainOptions } from "./explain.js";
import { openModel, type TableModel } from "./model-folder.js";
import { namedTable } from "./table-spec.js";

/** The rise of a model's loss when the cells of a column are mixed. */
export interface ColumnLoss {
  readonly column: string;
  /** Loss with the cells mixed, minus the loss as they are: of the cross entropy, or half the squared error of the standardised label. */
  readonly increase: number;
}

/** A model, and the rows to compute its losses on. */
export interface PermutationOptions extends ExplainOptions {
  /** A table with the label's column. */
  readonly data: string;
  /** Seed of the orders in which cells are mixed. Default 1. */
  readonly seed?: number | undefined;
}

/** Rows of the table that are read. */
const MOST_ROWS = 10_000;
/** Floor of probabilities, as in Caffe's losses. */
const LEAST = 1e-20;

interface EncodedTable {
  readonly inputs: Float32Array;
  readonly labels: Float32Array;
  readonly rows: number;
}

/**
 * Rise of a model's loss on the rows of a table (its first 10,000) when a column's cells are mixed among them, the greatest
 * first: the importance of columns on data, not of weights. Throws NetrunError for a table without the label, or with a row that cannot be used.
 * Source: Breiman, Random Forests, 2001, section 10.
 */
export async function permutationImportance(options: PermutationOptions): Promise<readonly ColumnLoss[]> {
  const model = openModel(options.model, options.weights);
  const table = await encodedTable(model, options.data);
  const { preparation } = model;
  const width = inputCount(preparation);
  await using net = await Net.load(model.deploy, { weights: model.weights });
  const lossOf = async (inputs: Float32Array): Promise<number> => {
    const name = net.outputs.at(-1)!;
    const given = await net.forward({ data: { shape: [table.rows, width], data: inputs } }, { blobs: [name] });
    return meanLoss(given[name]!.data, table, preparation.label!.kind === "classes");
  };
  const plain = await lossOf(table.inputs);
  const losses: ColumnLoss[] = [];
  for (const [i, { column, first, count }] of inputPlaces(preparation).entries()) {
    const order = mixed(table.rows, options.seed ?? 1, i);
    const inputs = table.inputs.slice();
    for (let row = 0; row < table.rows; row++) {
      const from = order[row]! * width + first;
      inputs.set(table.inputs.subarray(from, from + count), row * width + first);
    }
    losses.push({ column: column.name, increase: (await lossOf(inputs)) - plain });
  }
  return losses.sort((one, other) => other.increase - one.increase);
}

async function encodedTable({ preparation }: TableModel, data: string): Promise<EncodedTable> {
  const table = await openTable(namedTable(data).spec);
  const encoder = encoderOf(preparation, table);
  if (!preparation.label || !encoder.hasLabel)
    throw new NetrunError("has no column of the label", {
      file: data,
      notes: ["without --data the importance is that of the weights"],
    });
  const width = inputCount(preparation);
  const rows: { readonly inputs: Float32Array; readonly label: number }[] = [];
  for await (const { cells, line } of table.rows()) {
    const { inputs, label, failure } = encoder.row(cells);
    if (failure !== undefined) throw failureError(`${table.where(line)}: ${failure}`);
    if (label !== undefined) rows.push({ inputs, label });
    if (rows.length === MOST_ROWS) break;
  }
  if (rows.length === 0) throw new NetrunError("has no rows with a label", { file: data });
  const all = new Float32Array(rows.length * width);
  for (const [i, { inputs }] of rows.entries()) all.set(inputs, i * width);
  return { inputs: all, labels: Float32Array.from(rows, ({ label }) => label), rows: rows.length };
}

function meanLoss(outputs: Float32Array, { labels, rows }: EncodedTable, isClasses: boolean): number {
  const count = outputs.length / rows;
  let sum = 0;
  for (const [row, label] of labels.entries())
    sum += isClasses ? -Math.log(Math.max(LEAST, outputs[row * count + label]!)) : (outputs[row]! - label) ** 2 / 2;
  return sum / rows;
}

/** Numbers of rows in another order. */
function mixed(rows: number, seed: number, column: number): Int32Array {
  const order = Int32Array.from({ length: rows }, (_, i) => i);
  const draw = random(seed, column);
  for (let i = rows - 1; i > 0; i--) {
    const other = draw.integer(i + 1);
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}
