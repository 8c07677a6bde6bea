import type { FuzzReader } from "./reader.js";
import { DATABASES } from "./readers/databases.js";
import { IMAGES } from "./readers/images.js";
import { REQUESTS, RUNS } from "./readers/runs.js";
import { PRETRAINING } from "./readers/pretraining.js";
import { SWEEPS } from "./readers/sweeps.js";
import { SNAPSHOTS } from "./readers/snapshots.js";
import { TABLES } from "./readers/tables.js";
import { TEXTS } from "./readers/texts.js";
import { WEIGHTS } from "./readers/weights.js";

/** Every reader of every format. */
export const READERS: readonly FuzzReader[] = [
  ...TEXTS,
  ...WEIGHTS,
  ...SNAPSHOTS,
  ...RUNS,
  REQUESTS,
  ...PRETRAINING,
  ...SWEEPS,
  ...DATABASES,
  ...TABLES,
  ...IMAGES,
];
