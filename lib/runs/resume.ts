import { readdirSync } from "node:fs";
import { join } from "node:path";
import { NetrunError } from "../error.js";
import type { Solver } from "../train/solver.js";

const STATE = /_iter_(\d+)\.solverstate(?:\.h5)?$/;

/** Paths of the solverstates in a folder, newest iteration first. */
export function snapshotsIn(folder: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .flatMap((name) => {
      const [, iteration] = STATE.exec(name) ?? [];
      return iteration === undefined ? [] : [{ name, iteration: Number(iteration) }];
    })
    .sort((a, b) => b.iteration - a.iteration)
    .map(({ name }) => join(folder, name));
}

/**
 * Has a solver go on from the newest snapshot of a folder that is whole; one that is damaged is warned of, and the one before it
 * taken. Returns its path; undefined where there is none: training begins anew then. Throws NetrunError if none of them is good.
 */
export async function restoreNewest(
  solver: Pick<Solver, "restore">,
  folder: string,
  warn: (warning: NetrunError) => void,
): Promise<string | undefined> {
  const states = snapshotsIn(folder);
  let last: NetrunError | undefined;
  for (const state of states) {
    try {
      await solver.restore(state);
      return state;
    } catch (error) {
      if (!(error instanceof NetrunError)) throw error;
      last = error;
      warn(new NetrunError(`this snapshot is passed over: ${error.message}`, { file: state, notes: error.notes }));
    }
  }
  if (last) throw new NetrunError("no snapshot of the run is good", { file: folder, cause: last });
  return undefined;
}
