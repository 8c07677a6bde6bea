import { countOrNone, countRange } from "./number.js";
import type { Options } from "./option.js";

const GROUP = "Data:";

/** The transform of a data layer's images: each in place of what the net says. */
export const TRANSFORM = {
  scale: { type: "number", range: {}, group: GROUP, describe: "Factor on values, in place of the net's scale" },
  meanValue: {
    type: "numbers",
    range: {},
    api: "meanValues",
    group: GROUP,
    describe: "Subtracted before scaling, one for all channels or one each, in place of the net's mean",
  },
  meanFile: { type: "string", group: GROUP, describe: "A mean image to subtract, in place of the net's mean" },
  noMean: { type: "boolean", group: GROUP, describe: "Subtract no mean, whatever the net says" },
  cropSize: {
    type: "number",
    range: countOrNone("pixels"),
    group: GROUP,
    describe: "Side of the crop, in place of the net's crop_size; 0 for none",
  },
  mirror: { type: "boolean", group: GROUP, describe: "Mirror images at random" },
} as const satisfies Options;

/** Data of a net, and the way it becomes batches. */
export const FEED = {
  data: {
    type: "string",
    group: GROUP,
    describe: "Data in place of what the net's data layers read: a path, or netrun:digits/train",
  },
  batchSize: { type: "number", range: countRange("rows"), group: GROUP, describe: "Rows of a batch" },
  onBadRecord: {
    type: "choice",
    choices: ["fail", "skip"],
    group: GROUP,
    describe: "A record that does not decode ends the run, or is reported and skipped",
  },
} as const satisfies Options;

/** Options of every command that reads data. */
export const DATA = { ...FEED, ...TRANSFORM } as const satisfies Options;
