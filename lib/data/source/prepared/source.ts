import { NetrunError } from "../../../error.js";
import type { DataSource } from "../source.js";
import type { TableField } from "../table/cells.js";
import { type Row, rowBatches } from "../table/rows.js";
import { spooled } from "../table/spool.js";
import { type Encoder, encoderOf } from "./encode.js";
import { fitToFold, type TestedFold } from "./fold-fit.js";
import { heldOutOf } from "../row-parts.js";
import { inputCount, readPreparation } from "./preparation.js";
import { openTable } from "./table.js";

/** The rows of a table as a preparation makes inputs of them. */
export interface PreparedSpec {
  /** The preparation's file. */
  readonly path: string;
  /** The rows to train on, or those that are held out. */
  readonly part: "train" | "test";
  /** A fold of the rows to train on: inputs are then made as the rows outside of it say (see `fitToFold`). */
  readonly fold?: TestedFold | undefined;
}

/**
 * A table's rows as a net takes them: fields `data` [inputs] and, where there is one, `label`. Rows without a label are skipped. Throws
 * NetrunError for a damaged preparation, and a table that has no longer the columns that it names.
 */
export async function preparedSource({ path, part, fold }: PreparedSpec): Promise<DataSource> {
  const preparation = readPreparation(path);
  const { label, heldOut, seed, testTable } = preparation;
  const isOther = part === "test" && testTable !== undefined;
  if (part === "test" && !isOther && heldOut === 0)
    throw new NetrunError("holds no rows out to test on", {
      file: path,
      notes: ["netrun new ... --held-out 0.2 does"],
    });
  const table = await openTable(isOther ? testTable : preparation.table);
  const parts = isOther || heldOut === 0 ? undefined : heldOutOf(heldOut, seed);
  const data: TableField = { name: "data", dtype: "float32", shape: [inputCount(preparation)] };
  const labels: TableField[] = label
    ? [{ name: "label", dtype: label.kind === "classes" ? "int32" : "float32", shape: [] }]
    : [];
  /** Rows of the part as an encoder makes them, without those that have no label. */
  async function* encoded(encoder: Encoder) {
    let index = 0;
    for await (const { cells, line } of table.rows()) {
      const isWanted = !parts || parts.of(index) === (part === "test" ? 1 : 0);
      index++;
      if (!isWanted) continue;
      const row = encoder.row(cells);
      if (row.failure === undefined && label && row.label === undefined) continue;
      yield { cells, line, ...row };
    }
  }
  async function* rows(): AsyncGenerator<Row> {
    const encoder = encoderOf(preparation, table);
    if (label && !encoder.hasLabel)
      throw new NetrunError(`there is no column "${label.name}" for the label`, { file: table.path });
    const fit = fold && part === "train" ? await fitToFold(preparation, table, encoded(encoder), fold) : undefined;
    const fitted = fit ? encoderOf(fit.preparation, table, fit.seen) : encoder;
    for await (const { inputs, label: value, line, failure } of encoded(fitted))
      yield { cells: label ? [inputs, value ?? 0] : [inputs], line, failure };
  }
  return spooled({
    files: [path, table.path],
    options: ["prepared", part, ...(fold && part === "train" ? [fold.count, fold.index] : [])],
    convert: () => rowBatches([data, ...labels], rows()),
    where: table.where,
  });
}
