import { countOrNone, countRange } from "./number.js";
import type { Options } from "./option.js";

const GROUP = "Data:";

/** The transform of a data layer's images: each in place of what the net says. */
export const TRANSFORM = {
  scale: { type: "number", range: {}, group: GROUP, describe: "Factor of values, instead of the net's scale" },
  meanValue: {
    type: "numbers",
    range: {},
    api: "meanValues",
    group: GROUP,
    describe: "Mean values to subtract, one for all channels or one each, instead of the net's mean",
  },
  meanFile: { type: "string", group: GROUP, describe: "Mean image to subtract, instead of the net's mean" },
  noMean: { type: "boolean", group: GROUP, describe: "Subtract no mean, even if the net has one" },
  cropSize: {
    type: "number",
    range: countOrNone("pixels"),
    group: GROUP,
    describe: "Side of the crop, instead of the net's crop_size; 0 for none",
  },
  mirror: { type: "boolean", group: GROUP, describe: "Mirror images at random" },
} as const satisfies Options;

/** Data of a net, and the way it becomes batches. */
export const FEED = {
  data: {
    type: "string",
    group: GROUP,
    describe: "Data set, instead of the net's own data: a path, or netrun:digits/train",
  },
  batchSize: { type: "number", range: countRange("rows"), group: GROUP, describe: "Rows per batch" },
  onBadRecord: {
    type: "choice",
    choices: ["fail", "skip"],
    group: GROUP,
    describe: "Rows that cannot be used: stop with an error, or report and skip them",
  },
} as const satisfies Options;

/** Options of every command that reads data. */
export const DATA = { ...FEED, ...TRANSFORM } as const satisfies Options;
