import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ControlBox } from "../../../../lib/runs/control-box.js";
import { readRun } from "../../../../lib/runs/list.js";
import { readDigest } from "../../../../lib/runs/read-log.js";
import { RunFolder, runFiles } from "../../../../lib/runs/run-folder.js";
import { create } from "../../../../lib/caffe/message.js";
import { mutate } from "../bytes.js";
import { mutateJson } from "../json.js";
import type { FuzzReader } from "../reader.js";

/** A run of one iteration in a folder. */
async function writeRun(runs: string): Promise<string> {
  mkdirSync(runs, { recursive: true });
  const run = RunFolder.create("a", runs, () => {});
  const solver = create("SolverParameter", { net: "net.prototxt" });
  const net = create("NetParameter", { name: "net" });
  await run.begin({ solver, net, netFolder: ".", settings: {}, command: ["train"], seed: 1, iteration: 0 });
  run.write({ kind: "test", iteration: 0, net: 0, outputs: { accuracy: [0.5] }, loss: 1 });
  run.write({ kind: "done", iteration: 1, skipped: 0 });
  await run[Symbol.asyncDispose]();
  return run.folder;
}

/** A request to a training, as a dashboard of another process writes it. */
export const REQUESTS: FuzzReader = {
  name: "request to a run",
  modules: ["lib/runs/control-box.ts"],
  open: async (folder) => ({
    wholes: [Buffer.from('{"action":"rate","factor":0.1,"from":"dashboard"}')],
    damages: [mutate, mutateJson],
    read: (bytes) => {
      const box = new ControlBox(folder, (warning) => {
        throw warning;
      });
      mkdirSync(join(folder, "control"));
      writeFileSync(join(folder, "control", "1.json"), bytes);
      box.action();
    },
  }),
};

/** Files of a run's folder, each damaged among the others as they were. */
export const RUNS: readonly FuzzReader[] = (["info", "events", "digest"] as const).map((which) => ({
  name: `a run's ${which}`,
  modules: ["lib/runs/list.ts", "lib/runs/read-log.ts", "lib/runs/run-folder.ts"],
  open: async (folder) => {
    const run = await writeRun(join(folder, "runs"));
    const files = runFiles(run);
    return {
      wholes: [readFileSync(files[which])],
      damages: [mutate, mutateJson],
      read: (bytes) => {
        writeFileSync(files[which], bytes);
        readRun(run);
        readDigest(files.events);
      },
    };
  },
}));
