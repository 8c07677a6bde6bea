import { basename } from "node:path";
import { NetrunError } from "../error.js";
import { writeWhole } from "../file.js";
import type { CommandArgs } from "./commands/command.js";
import type { PLOT } from "./commands/training.js";
import { report } from "./common.js";
import { type PlottedLog, readLog } from "./plot-logs.js";
import { drawPanels } from "./plot-svg.js";

/** Draws losses, scores and learning rates of runs, overlaid. */
export async function run(args: CommandArgs<typeof PLOT>): Promise<void> {
  const { logs = [], output, x } = args;
  const read = logs.map((path) => readLog(path));
  const panels = panelsOf(read, x);
  if (panels.length === 0) {
    throw new NetrunError(x === "time" ? "these logs do not tell the time" : "there is nothing to draw in these logs");
  }
  await writeWhole(output, drawPanels(panels, x === "time" ? "seconds" : "iteration"));
  const titles = panels.map(({ title }) => title);
  report(args, { path: output, panels: titles, runs: logs }, () => [
    `${output}: ${titles.join(", ")} of ${read.length} ${read.length === 1 ? "run" : "runs"}`,
  ]);
}

/** A panel for losses, one for each other score, one for learning rates. */
function panelsOf(logs: readonly PlottedLog[], x: "iteration" | "time") {
  const names = [...new Set(logs.flatMap(({ series }) => [...series.keys()]))];
  const isLoss = (name: string) => /loss/.test(name);
  const groups = new Map<string, string[]>([["loss", names.filter(isLoss)]]);
  for (const name of names.filter((each) => !isLoss(each) && each !== "lr")) groups.set(name, [name]);
  if (names.includes("lr")) groups.set("learning rate", ["lr"]);
  return [...groups]
    .map(([title, members]) => ({
      title,
      lines: logs.flatMap(({ path, series }) =>
        members.flatMap((name) => {
          const points = (series.get(name) ?? []).flatMap((point) => {
            const at = x === "time" ? point.seconds : point.iteration;
            return at === undefined ? [] : [[at, point.value] as const];
          });
          return points.length > 0 ? [{ label: `${logs.length > 1 ? `${basename(path)}: ` : ""}${name}`, points }] : [];
        }),
      ),
    }))
    .filter(({ lines }) => lines.length > 0);
}
