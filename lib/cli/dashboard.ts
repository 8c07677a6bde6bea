import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { serveDashboard } from "../dashboard/server.js";
import { StoredRunView } from "../dashboard/stored-run.js";
import { NetrunError } from "../error.js";
import { runNames } from "../runs/run-folder.js";
import type { DASHBOARD } from "./commands/training.js";
import type { CommandArgs } from "./commands/command.js";

/** Serves a page that shows runs, finished or running, until it is interrupted. */
export async function run({ runs = ["runs"], port, json }: CommandArgs<typeof DASHBOARD>): Promise<void> {
  const paths = runs.flatMap(runsIn);
  if (paths.length === 0)
    throw new NetrunError("there are no runs to show", {
      notes: ["netrun train ... --run NAME keeps one in runs/NAME"],
    });
  const views = paths.map((path, i) => new StoredRunView(path, String(i)));
  await using dashboard = await serveDashboard(views, port);
  console.log(
    json
      ? JSON.stringify({ url: dashboard.url, runs: paths })
      : `Dashboard of ${countText(paths.length)}: ${dashboard.url}`,
  );
  await Promise.race(["SIGINT", "SIGTERM"].map((signal) => once(process, signal)));
}

const countText = (count: number) => (count === 1 ? "1 run" : `${count} runs`);

/** A folder of runs stands for all of them. */
function runsIn(path: string): readonly string[] {
  const names = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? runNames(path) : [];
  if (names.length > 0) return names.map((name) => join(path, name));
  return path === "runs" && !statSync(path, { throwIfNoEntry: false }) ? [] : [path];
}
