import { sparkOf } from "../engine/spark/choice.js";
import { NetrunError } from "../error.js";
import { type Args, apiOf, flagOf } from "../options/option.js";
import { CLUSTER } from "../options/cluster.js";
import { PARALLEL } from "../options/parallel.js";
import type { ParallelOptions } from "../train/parallel.js";

const FLAGS = { ...PARALLEL, ...CLUSTER };

/** Options of several replicas, from the flags; nothing without --workers. Throws NetrunError for flags that need it. */
export function parallelOf(args: Args<typeof FLAGS>): ParallelOptions {
  if (args.workers !== undefined) return { ...apiOf(PARALLEL, args), engine: sparkOf(args) };
  const needy = Object.keys(FLAGS).find((name) => args[name as keyof typeof FLAGS] !== undefined);
  if (needy === undefined) return {};
  throw new NetrunError(`--${flagOf(needy)} without --workers`, { notes: ["--workers N trains on N replicas"] });
}
