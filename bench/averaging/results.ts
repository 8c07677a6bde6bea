import type { Cost } from "./cost.js";
import type { GridRun } from "./grid.js";
import type { Speed } from "./speed.js";

/** All that was measured. */
export interface Results {
  readonly costs: readonly Cost[];
  readonly runs: readonly GridRun[];
  readonly speeds: readonly Speed[];
}
