import { FEED } from "../../options/data.js";
import { COURSE_OF_NET, TABLE_NET } from "../../options/new-net.js";
import { countRange } from "../../options/number.js";
import type { Options } from "../../options/option.js";
import { JSON_OUTPUT, OUTPUT } from "./command.js";

const MODEL = { type: "string", positional: "<model>", describe: "Folder that netrun new wrote" } as const;
const WEIGHTS = { type: "string", describe: "Weights file (default: the newest in the folder)" } as const;

/** `netrun new KIND --data DATA -o FOLDER`: a solver and a net for the data that it saw. */
export const NEW = {
  kind: {
    type: "choice",
    choices: ["mlp", "autoencoder", "dbn", "lenet", "cifar", "lstm"],
    positional: "<kind>",
    describe: "Kind of net",
  },
  data: {
    type: "string",
    describe:
      "Table with its label, TABLE?label=COLUMN; for images, arrays and texts any data set (netrun:digits/train)",
  },
  label: { type: "string", describe: "Column to predict, instead of ?label=COLUMN" },
  testData: { type: "string", describe: "Data set to test on (default: held-out rows)" },
  output: { ...OUTPUT, required: true, describe: "Folder to write to" },
  overwrite: { type: "boolean", default: false, describe: "Overwrite existing files" },
  ...TABLE_NET,
  ...COURSE_OF_NET,
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun predict MODEL DATA -o out.csv`: the rows of a table with what a model says of them. */
export const PREDICT = {
  model: MODEL,
  data: {
    type: "string",
    positional: "<data>",
    describe: "Table with the columns of the model (CSV, TSV, Parquet, Arrow), or a data set for a model of arrays",
  },
  weights: WEIGHTS,
  output: { ...OUTPUT, required: true, describe: "Table to write: .csv or .tsv" },
  batchSize: { type: "number", range: countRange("rows"), describe: "Rows computed at once (default 256)" },
  onBadRecord: FEED.onBadRecord,
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun explain MODEL`: the importance of a table's columns. */
export const EXPLAIN = {
  model: MODEL,
  data: { type: "string", describe: "Table with the label: the rise of the loss when a column's cells are mixed" },
  weights: WEIGHTS,
  ...JSON_OUTPUT,
} as const satisfies Options;
