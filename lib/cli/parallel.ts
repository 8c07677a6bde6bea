import { NetrunError } from "../error.js";
import { type Args, apiOf, flagOf } from "../options/option.js";
import { PARALLEL } from "../options/parallel.js";
import type { ParallelOptions } from "../train/parallel.js";

/** How to train on several replicas, from the flags; nothing without --workers. Throws NetrunError for flags that need it. */
export function parallelOf(args: Args<typeof PARALLEL>): ParallelOptions {
  if (args.workers !== undefined) return apiOf(PARALLEL, args);
  const needy = Object.keys(PARALLEL).find((name) => args[name as keyof typeof PARALLEL] !== undefined);
  if (needy === undefined) return {};
  throw new NetrunError(`--${flagOf(needy)} without --workers`, { notes: ["--workers N trains on N replicas"] });
}
