import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readState, writeState } from "../../../../lib/sweep/state.js";
import { mutate } from "../bytes.js";
import { mutateJson } from "../json.js";
import type { FuzzReader } from "../reader.js";

const SETTINGS = [{ base_lr: "0.1" }, { base_lr: "0.01" }];

/** The table of a sweep. */
export const SWEEPS: readonly FuzzReader[] = [
  {
    name: "a sweep's table",
    modules: ["lib/sweep/state.ts"],
    open: async (folder) => {
      const state = readState(folder, "key", SETTINGS);
      state.trials[0]!.results.push({ iteration: 10, score: 0.5, loss: 1, seconds: 2, state: "a", weights: "b" });
      await writeState(folder, state);
      const path = join(folder, "sweep.json");
      return {
        wholes: [readFileSync(path)],
        damages: [mutate, mutateJson],
        read: (bytes) => {
          writeFileSync(path, bytes);
          readState(folder, "key", SETTINGS);
        },
      };
    },
  },
];
