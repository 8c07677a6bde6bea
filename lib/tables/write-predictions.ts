import { closeSync, openSync } from "node:fs";
import { NetrunError } from "../error.js";
import { replaceFile, writeAll } from "../file.js";
import type { PredictedRow, TablePredictions } from "./predictions.js";

/** Characters that are written at once. */
const PIECE = 2 ** 16;

/**
 * Writes a table with its predictions behind the columns that it has, row by row. Rows that cannot be used have empty cells there. The file is
 * whole or not there. Throws NetrunError for an ending other than .csv and .tsv.
 */
export async function writePredictions(path: string, predictions: TablePredictions): Promise<void> {
  const delimiter = /\.csv$/i.test(path) ? "," : /\.tsv$/i.test(path) ? "\t" : undefined;
  if (delimiter === undefined)
    throw new NetrunError(`what kind of table is ${path}?`, { notes: ["give it the ending .csv or .tsv"] });
  const quoted = (cell: string) =>
    /["\r\n]/.test(cell) || cell.includes(delimiter) ? `"${cell.replaceAll('"', '""')}"` : cell;
  const line = (cells: readonly string[]) => `${cells.map(quoted).join(delimiter)}\n`;
  const { columns, added } = predictions;
  await replaceFile(path, async (temporary) => {
    const fd = openSync(temporary, "w");
    try {
      let text = line([...columns, ...added]);
      for await (const row of predictions) {
        text += line([...row.cells, ...predictedCells(row, added.length)]);
        if (text.length < PIECE) continue;
        writeAll(fd, Buffer.from(text));
        text = "";
      }
      writeAll(fd, Buffer.from(text));
    } finally {
      closeSync(fd);
    }
  });
}

function predictedCells({ prediction, probabilities = [], error, failure }: PredictedRow, count: number): string[] {
  if (failure !== undefined) return Array.from({ length: count }, () => "");
  return [prediction ?? error!, ...probabilities].map((value) =>
    typeof value === "number" ? String(Number(value.toPrecision(7))) : value,
  );
}
