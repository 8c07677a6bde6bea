import { Net } from "../api/net.js";
import { type InputPlace, inputPlaces } from "../data/source/prepared/preparation.js";
import type { Blob } from "../run/weights.js";
import { NetrunError } from "../error.js";
import { openModel } from "./model-folder.js";

/** The importance of a column for the outputs of a net. */
export interface Importance {
  readonly column: string;
  /** The sum over outputs of the column's share in each. */
  readonly relative: number;
  /** Relative to the greatest. */
  readonly scaled: number;
  /** The share of all columns. */
  readonly percentage: number;
}

/** The model to explain. */
export interface ExplainOptions {
  /** The folder of the model, as `newNet` wrote it. */
  readonly model: string;
  /** A weights file; the newest of the folder without it. */
  readonly weights?: string | undefined;
}

/**
 * The importance of a table's columns for a net by the weights of its first two layers, the greatest first; a column's categories are summed. An
 * input's share in a unit is |w| by the sum of all |w| into it; its share in an output is the sum over the hidden units of both shares' products.
 * Source: Gedeon, Data Mining of Inputs: Analysing Magnitude and Functional Measures, 1997, as H2O's DeepLearning has it.
 */
export async function explain(options: ExplainOptions): Promise<readonly Importance[]> {
  const model = openModel(options.model, options.weights);
  await using net = await Net.load(model.deploy, { weights: model.weights });
  // Matrices [outputs, inputs] of fully connected layers; embeddings are before them.
  const [first, second] = [...net.layers].flatMap(([name, { blobs }]) =>
    blobs[0]?.shape.length === 2 && !name.endsWith("_embedding") ? [blobs[0]] : [],
  );
  if (!first) throw new NetrunError("has no fully connected layer to explain", { file: model.deploy });
  const embeddings = new Map([...net.params].map(([name, blobs]) => [name, blobs[0]]));
  const inputs = expandedInputs(inputPlaces(model.preparation), (name) => embeddings.get(`${name}_embedding`));
  const into = first;
  const width = into.data.length / into.shape[0]!;
  // Maxout's units have several rows of weights each.
  const next = second;
  const hidden = next ? next.data.length / next.shape[0]! : into.shape[0]!;
  const pieces = into.shape[0]! / hidden;
  const unit = (j: number): number[] => {
    const rows = Array.from({ length: pieces }, (_, p) =>
      into.data.subarray((j * pieces + p) * width, (j * pieces + p + 1) * width),
    );
    return inputs.map(({ weight }) => rows.reduce((sum, row) => sum + Math.abs(weight(row)), 0));
  };
  const importances = inputs.map(() => 0);
  const shares = next ? outputShares(next) : Array.from({ length: hidden }, () => 1);
  for (let j = 0; j < hidden; j++) {
    const weights = unit(j);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    if (sum > 0) for (const [i, weight] of weights.entries()) importances[i]! += (weight / sum) * shares[j]!;
  }
  const columns = new Map<string, number>();
  for (const [i, { column }] of inputs.entries()) columns.set(column, (columns.get(column) ?? 0) + importances[i]!);
  return ranked(columns);
}

/** The share of each hidden unit in all outputs: the sum over outputs of |w| by the sum of all |w| into the output. */
function outputShares({ data, shape }: Pick<Blob, "data" | "shape">): number[] {
  const [outputs, hidden] = [shape[0]!, data.length / shape[0]!];
  const shares = Array.from({ length: hidden }, () => 0);
  for (let k = 0; k < outputs; k++) {
    const row = data.subarray(k * hidden, (k + 1) * hidden);
    const sum = row.reduce((total, weight) => total + Math.abs(weight), 0);
    if (sum > 0) for (const [j, weight] of row.entries()) shares[j]! += Math.abs(weight) / sum;
  }
  return shares;
}

/** An input of the net, or a category of an embedded column: its weight into a unit, of the unit's row of weights. */
interface ExpandedInput {
  readonly column: string;
  weight(row: Float32Array): number;
}

function expandedInputs(
  places: readonly InputPlace[],
  embeddingOf: (column: string) => Blob | undefined,
): readonly ExpandedInput[] {
  let offset = 0;
  return places.flatMap(({ column, count }): readonly ExpandedInput[] => {
    const start = offset;
    const embedding = column.kind === "category" && column.form === "index" ? embeddingOf(column.name) : undefined;
    if (!embedding) {
      offset += count;
      return Array.from({ length: count }, (_, i) => ({ column: column.name, weight: (row) => row[start + i]! }));
    }
    const [categories, size] = [embedding.shape[0]!, embedding.data.length / embedding.shape[0]!];
    offset += size;
    return Array.from({ length: categories }, (_, category) => ({
      column: column.name,
      weight: (row) => {
        let sum = 0;
        for (let i = 0; i < size; i++) sum += row[start + i]! * embedding.data[category * size + i]!;
        return sum;
      },
    }));
  });
}

function ranked(columns: ReadonlyMap<string, number>): readonly Importance[] {
  const all = [...columns.values()];
  const [greatest, sum] = [Math.max(...all), all.reduce((total, value) => total + value, 0)];
  return [...columns]
    .map(([column, relative]) => ({
      column,
      relative,
      scaled: greatest > 0 ? relative / greatest : 0,
      percentage: sum > 0 ? relative / sum : 0,
    }))
    .sort((a, b) => b.relative - a.relative);
}
