import { FEED } from "../../options/data.js";
import { COURSE_OF_NET, TABLE_NET } from "../../options/new-net.js";
import { countRange } from "../../options/number.js";
import type { Options } from "../../options/option.js";
import { JSON_OUTPUT, OUTPUT } from "./command.js";

const MODEL = { type: "string", positional: "<model>", describe: "The folder that netrun new wrote" } as const;
const WEIGHTS = { type: "string", describe: "A weights file; the newest of the folder without it" } as const;

/** `netrun new KIND --data DATA -o FOLDER`: a solver and a net for the data that it saw. */
export const NEW = {
  kind: { type: "choice", choices: ["mlp", "autoencoder"], positional: "<kind>", describe: "What to write" },
  data: { type: "string", required: true, describe: "The data: a table with its label, TABLE?label=COLUMN" },
  label: { type: "string", describe: "The column to predict, in place of ?label=COLUMN" },
  testData: { type: "string", describe: "Data to test on; without it a share of the rows is held out" },
  output: { ...OUTPUT, required: true, describe: "The folder to write to" },
  overwrite: { type: "boolean", default: false, describe: "Replace files that are there" },
  ...TABLE_NET,
  ...COURSE_OF_NET,
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun predict MODEL DATA -o out.csv`: the rows of a table with what a model says of them. */
export const PREDICT = {
  model: MODEL,
  data: { type: "string", positional: "<data>", describe: "A table with the columns that the model was made for" },
  weights: WEIGHTS,
  output: { ...OUTPUT, required: true, describe: "The table to write: .csv or .tsv" },
  batchSize: { type: "number", range: countRange("rows"), describe: "Rows that are computed at once (256)" },
  onBadRecord: FEED.onBadRecord,
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun explain MODEL`: the importance of a table's columns. */
export const EXPLAIN = {
  model: MODEL,
  weights: WEIGHTS,
  ...JSON_OUTPUT,
} as const satisfies Options;
