import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as v from "valibot";
import { NetrunError } from "../error.js";
import { writeWhole } from "../file.js";
import type { Settings } from "./settings.js";

const foldResult = v.object({
  score: v.optional(v.number()),
  loss: v.optional(v.nullable(v.number())),
  seconds: v.number(),
  /** Iteration and score of each test, where they decide whether the run goes on. */
  tests: v.optional(v.array(v.tuple([v.number(), v.number()]))),
  /** True if the run was stopped as hopeless. */
  stopped: v.optional(v.boolean()),
  state: v.optional(v.string()),
  weights: v.optional(v.string()),
  error: v.optional(v.string()),
});
const result = v.object({
  iteration: v.number(),
  ...foldResult.entries,
  /** Of the folds' scores, whose mean `score` is. */
  deviation: v.optional(v.number()),
  folds: v.optional(v.array(foldResult)),
});
const trial = v.object({
  settings: v.record(v.string(), v.string()),
  results: v.array(result),
  /** Folds of a part that is not done. */
  pending: v.optional(v.object({ until: v.number(), folds: v.array(foldResult) })),
});
const stored = v.object({
  version: v.literal(1),
  sweep: v.string(),
  direction: v.optional(v.picklist(["min", "max"])),
  trials: v.array(trial),
});

/** State of a sweep: its table, as it is kept. */
export type SweepState = v.InferOutput<typeof stored>;

/** Result of a part of a run. `error` says why there is no score. */
export type PartResult = v.InferOutput<typeof result>;

/** Outcome of a part on one fold. */
export type FoldResult = v.InferOutput<typeof foldResult>;

/** The table of the sweep in a folder. */
const pathOf = (folder: string): string => join(folder, "sweep.json");

/**
 * State of a folder's sweep: at its start, or where an earlier one of the same key was. Throws NetrunError for a folder that has another
 * sweep in it, or a damaged table.
 */
export function readState(folder: string, key: string, settings: readonly Settings[]): SweepState {
  const path = pathOf(folder);
  if (!existsSync(path))
    return { version: 1, sweep: key, trials: settings.map((each) => ({ settings: { ...each }, results: [] })) };
  let found: SweepState;
  try {
    found = v.parse(stored, JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    const notes = ["give another folder, or delete this one"];
    throw new NetrunError("damaged: it is no sweep's table", { file: path, cause, notes });
  }
  if (found.sweep === key && found.trials.length === settings.length) return found;
  throw new NetrunError("has another sweep in it", {
    file: resolve(folder),
    notes: ["-o FOLDER gives this one another place"],
  });
}

/** Writes where a sweep stands; the file is whole at any time. */
export const writeState = (folder: string, state: SweepState): Promise<void> =>
  writeWhole(pathOf(folder), JSON.stringify(state, null, 1));
