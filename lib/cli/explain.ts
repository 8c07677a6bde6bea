import { apiOf } from "../options/option.js";
import { explain, type ExplainOptions } from "../tables/explain.js";
import { permutationImportance, type PermutationOptions } from "../tables/permutation.js";
import type { CommandArgs } from "./commands/command.js";
import { EXPLAIN } from "./commands/tables.js";
import { report } from "./common.js";

/** Prints the importance of a table's columns. */
export async function run(args: CommandArgs<typeof EXPLAIN>): Promise<void> {
  if (args.data !== undefined) return explainOn(args);
  const columns = await explain(apiOf(EXPLAIN, args) as ExplainOptions);
  const width = Math.max("column".length, ...columns.map(({ column }) => column.length));
  report(args, columns, () => [
    `${"column".padEnd(width)}  relative  scaled  percentage`,
    ...columns.map(({ column, relative, scaled, percentage }) =>
      [
        column.padEnd(width),
        relative.toFixed(4).padStart(8),
        scaled.toFixed(4),
        percentage.toFixed(4).padStart(10),
      ].join("  "),
    ),
  ]);
}

/** Prints the importance of columns on the rows of a table. */
async function explainOn(args: CommandArgs<typeof EXPLAIN>): Promise<void> {
  const columns = await permutationImportance(apiOf(EXPLAIN, args) as PermutationOptions);
  const width = Math.max("column".length, ...columns.map(({ column }) => column.length));
  report(args, columns, () => [
    `${"column".padEnd(width)}  loss increase`,
    ...columns.map(({ column, increase }) => `${column.padEnd(width)}  ${increase.toFixed(4).padStart(13)}`),
  ]);
}
