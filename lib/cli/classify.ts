import { classify } from "../api/classify.js";
import { Net } from "../api/net.js";
import { readText } from "../caffe/files.js";
import { NetrunError } from "../error.js";
import type { CommandArgs } from "./commands/command.js";
import type { CLASSIFY } from "./commands/inference.js";
import { sessionOfFlags, stateOfFlags, warn } from "./common.js";

type ClassifyArgs = CommandArgs<typeof CLASSIFY>;

/** Names what images show. */
export async function run(args: ClassifyArgs): Promise<void> {
  const labels = args.labels === undefined ? [] : readFileLines(args.labels);
  const { meanFile, meanValue: mean, scale, oversample, top, output, invert } = args;
  const options = { meanFile, mean, scale, oversample, top, output, invert, resize: resizeOf(args) };
  await using net = await Net.load(args.model, {
    ...sessionOfFlags(args),
    ...stateOfFlags(args),
    phase: "TEST",
    weights: args.weights,
    strict: args.strict,
    onWarning: warn,
  });
  for await (const { image, predictions } of classify(net, args.images ?? [], options)) {
    console.log(`---------- Prediction for ${image} ----------`);
    for (const { index, score } of predictions) console.log(`${score.toFixed(4)} - "${labels[index] ?? index}"`);
  }
}

const readFileLines = (path: string): readonly string[] =>
  readText(path)
    .split(/\r?\n/)
    .filter((line) => line !== "");

function resizeOf({ resize }: ClassifyArgs): readonly [number, number] | undefined {
  if (resize === undefined) return undefined;
  const [height, width = height] = resize.split(",").map(Number);
  if (Number.isInteger(height) && Number.isInteger(width) && height! > 0 && width! > 0) return [height!, width!];
  throw new NetrunError(`--resize ${resize}: give HEIGHT,WIDTH`);
}
