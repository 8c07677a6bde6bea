import { apiOf } from "../options/option.js";
import { type NewNetOptions, newNet } from "../tables/new-net.js";
import type { CommandArgs } from "./commands/command.js";
import { NEW } from "./commands/tables.js";
import { programName, report } from "./common.js";
import { quoted } from "./resume-command.js";

/** Writes a net for a data set. */
export async function run(args: CommandArgs<typeof NEW>): Promise<void> {
  const made = await newNet({ ...apiOf(NEW, args), output: args.output } as NewNetOptions);
  const { folder, files, rows, iterations, unlabelled, preparation } = made;
  const columns = preparation?.columns ?? [];
  const used = columns.filter(({ kind }) => kind !== "skipped").length;
  const skipped = columns.flatMap((each) => (each.kind === "skipped" ? [`${each.name} (${each.why})`] : []));
  report(args, { folder, files, rows, iterations, unlabelled }, () => [
    `${folder}: ${rows} rows to train on, ${preparation ? `${used} columns, ` : ""}${iterations} iterations`,
    ...(skipped.length > 0 ? [`left out: ${skipped.join(", ")}`] : []),
    ...(unlabelled > 0 ? [`left out: ${unlabelled} rows without a label`] : []),
    "next:",
    `  ${programName()} train ${quoted(files.at(-1)!)}`,
  ]);
}
