import { statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { NetrunError } from "../../error.js";
import { pngOfSvg } from "../../inspect/png.js";
import { folderOfRun, runFiles } from "../run-folder.js";
import { COLOURS } from "../colours.js";
import { type PlottedLog, readLog } from "./logs.js";
import { drawPanels, type Panel } from "./panels.js";

/** Axes of a plot, and the picture's format. */
export interface PlotOptions {
  /** Default svg. */
  readonly format?: "svg" | "png" | undefined;
  /** The horizontal axis. Default iteration. */
  readonly x?: "iteration" | "time" | undefined;
  readonly logX?: boolean | undefined;
  /** Logarithmic axes of losses and learning rates. */
  readonly logY?: boolean | undefined;
}

/** A picture of runs, and the titles of its panels. */
export interface Plotted<P extends string | Buffer = string | Buffer> {
  readonly picture: P;
  readonly panels: readonly string[];
}

/**
 * Draws losses, scores and learning rates of runs, overlaid: folders of runs, files of `--log-json` or `--log-csv`, or logs as netrun or Caffe
 * print them. A PNG comes as bytes, at twice the size of the SVG. Throws NetrunError where there is nothing to draw.
 */
export async function plot(
  logs: readonly string[],
  options?: PlotOptions & { readonly format?: "svg" | undefined },
): Promise<Plotted<string>>;
export async function plot(
  logs: readonly string[],
  options: PlotOptions & { readonly format: "png" },
): Promise<Plotted<Buffer>>;
export async function plot(logs: readonly string[], options?: PlotOptions): Promise<Plotted>;
export async function plot(logs: readonly string[], options: PlotOptions = {}): Promise<Plotted> {
  const { format = "svg", x = "iteration", logX = false, logY = false } = options;
  const panels = panelsOf(
    logs.map((path) => readLog(logOf(path))),
    { x, logY },
  );
  if (panels.length === 0) {
    throw new NetrunError(x === "time" ? "these logs do not tell the time" : "there is nothing to draw in these logs");
  }
  const svg = await drawPanels(panels, { title: x === "time" ? "time (s)" : "iteration", isLog: logX });
  return { picture: format === "png" ? await pngOfSvg(svg) : svg, panels: panels.map(({ title }) => title) };
}

/** The log that a path names: that of a run by its folder. */
const logOf = (path: string): string =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() && folderOfRun(path) === path ? runFiles(path).events : path;

interface Axes {
  readonly x: "iteration" | "time";
  readonly logY: boolean;
}

/**
 * A panel for losses, one for each other score, one for learning rates. Of one run each score has a colour; of several each run has
 * one, and dashes tell losses apart: a run, or a score, has the same colour in all panels.
 */
function panelsOf(logs: readonly PlottedLog[], { x, logY }: Axes): readonly Panel[] {
  const names = [...new Set(logs.flatMap(({ series }) => [...series.keys()]))];
  const isLoss = (name: string) => /loss/.test(name);
  const groups = new Map<string, string[]>([["loss", names.filter(isLoss)]]);
  for (const name of names.filter((each) => !isLoss(each) && each !== "lr")) groups.set(name, [name]);
  if (names.includes("lr")) groups.set("learning rate", ["lr"]);
  const order = [...names].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const isOne = logs.length === 1;
  return [...groups]
    .map(([title, members]) => ({
      title,
      // The panel is as high as some 30 letters.
      unit: title.length > 30 ? `${title.slice(0, 29)}…` : title,
      isLog: logY && (title === "loss" || title === "learning rate"),
      lines: logs.flatMap(({ path, series }, i) =>
        members.flatMap((name, j) => {
          const points = (series.get(name) ?? []).flatMap((point) => {
            const at = x === "time" ? point.seconds : point.iteration;
            return at === undefined ? [] : [[at, point.value] as const];
          });
          // A panel of one score says which in its title.
          const label = isOne ? name : members.length === 1 ? runName(path) : `${runName(path)}: ${name}`;
          // Where colours come round again, the dashes are others.
          const dash = Math.floor(i / COLOURS.length) * members.length + j;
          const look = isOne ? { colour: order.indexOf(name) } : { colour: i, dash };
          return points.length > 0 ? [{ label, points, ...look }] : [];
        }),
      ),
    }))
    .filter(({ lines }) => lines.length > 0);
}

/** Series that every training has: they come first, so that their colours do not depend on its other scores. */
const RANKS = ["train loss", "test loss", "lr", "test accuracy"];
const rank = (name: string): number => (RANKS.includes(name) ? RANKS.indexOf(name) : RANKS.length);

/** The name of a log: that of its run where it is the log of one. */
const runName = (path: string): string =>
  basename(path) === "events.jsonl" ? basename(dirname(path)) : basename(path);
