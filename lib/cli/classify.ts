import { classify } from "../api/classify.js";
import { Net } from "../api/net.js";
import { NetrunError } from "../error.js";
import { countRange, parseNumber } from "../options/number.js";
import { readClassLabels } from "./class-labels.js";
import type { CommandArgs } from "./commands/command.js";
import type { CLASSIFY } from "./commands/inference.js";
import { refuseSwappedFlags, report, stateOfFlags, warn } from "./common.js";
import { sessionOfFlags } from "./session-flags.js";

type ClassifyArgs = CommandArgs<typeof CLASSIFY>;

/** Names what images show. */
export async function run(args: ClassifyArgs): Promise<void> {
  refuseSwappedFlags("classify", args.model, args.weights);
  const labels = args.labels === undefined ? [] : readClassLabels(args.labels);
  const { meanFile, meanValue: mean, scale, oversample, top, output, invert } = args;
  const options = { meanFile, mean, scale, oversample, top, output, invert, resize: resizeOf(args) };
  await using net = await Net.load(args.model, {
    ...(await sessionOfFlags(args)),
    ...stateOfFlags(args),
    phase: "TEST",
    weights: args.weights,
    strict: args.strict,
    onWarning: warn,
  });
  const named: object[] = [];
  for await (const { image, predictions } of classify(net, args.images ?? [], options)) {
    const classes = predictions.map(({ index, score }) => ({ index, label: labels[index], score }));
    if (args.json) named.push({ image, predictions: classes });
    else report(args, {}, () => [`---------- Prediction for ${image} ----------`, ...classes.map(lineOf)]);
  }
  if (args.json) report(args, named, () => []);
}

interface NamedClass {
  readonly index: number;
  /** Undefined where there is no file of labels, or no such line in it. */
  readonly label: string | undefined;
  readonly score: number;
}

const lineOf = ({ index, label, score }: NamedClass): string => `${score.toFixed(4)} - "${label ?? index}"`;

function resizeOf({ resize }: ClassifyArgs): readonly [number, number] | undefined {
  if (resize === undefined) return undefined;
  const sides = resize.split(",").map((side) => parseNumber("--resize", side, countRange("pixels")));
  const [height, width = height] = sides;
  if (sides.length > 2) throw new NetrunError(`--resize ${resize}: give HEIGHT,WIDTH`);
  return [height!, width!];
}
