import { once } from "node:events";
import { serveDashboard } from "../dashboard/server.js";
import { StoredRuns } from "../dashboard/stored-runs.js";
import { NetrunError } from "../error.js";
import type { DASHBOARD } from "./commands/training.js";
import type { CommandArgs } from "./commands/command.js";
import { warn } from "./common.js";

/** Serves a page that shows runs, finished or running, until it is interrupted. */
export async function run({ runs, port, json }: CommandArgs<typeof DASHBOARD>): Promise<void> {
  const stored = new StoredRuns(runs, warn);
  const { folders } = stored;
  if (folders.length === 0)
    throw new NetrunError("there are no runs to show", {
      notes: ["netrun train ... --run NAME keeps one in runs/NAME"],
    });
  await using dashboard = await serveDashboard(stored, port);
  console.log(
    json
      ? JSON.stringify({ url: dashboard.url, runs: folders })
      : `Dashboard of ${countText(folders.length)}: ${dashboard.url}`,
  );
  await Promise.race(["SIGINT", "SIGTERM"].map((signal) => once(process, signal)));
}

const countText = (count: number) => (count === 1 ? "1 run" : `${count} runs`);
