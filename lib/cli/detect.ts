import { basename, extname, join } from "node:path";
import { type Detected, detect } from "../api/detect.js";
import { decodedFile } from "../api/image-input.js";
import { Net } from "../api/net.js";
import { withFrames } from "../data/image/boxes.js";
import { encodePng } from "../data/image/image.js";
import { NetrunError } from "../error.js";
import { makeOutputFolder, writeWhole } from "../file.js";
import { readClassLabels } from "./class-labels.js";
import type { CommandArgs } from "./commands/command.js";
import type { DETECT } from "./commands/inference.js";
import { refuseSwappedFlags, report, stateOfFlags, warn } from "./common.js";
import { sessionOfFlags } from "./session-flags.js";

/** Finds objects in images, and draws their boxes. */
export async function run(args: CommandArgs<typeof DETECT>): Promise<void> {
  refuseSwappedFlags("detect", args.model, args.weights);
  const labels = args.labels === undefined ? [] : readClassLabels(args.labels);
  const images = args.images ?? [];
  const drawn = args.output === undefined ? undefined : placesOf(args.output, images);
  const { meanFile, meanValue: mean, scale, invert, minScore, top, blob: output } = args;
  const { shorterSide, longerSide, overlap } = args;
  const options = { meanFile, mean, scale, invert, minScore, top, output, shorterSide, longerSide, overlap };
  await using net = await Net.load(args.model, {
    ...(await sessionOfFlags(args)),
    ...stateOfFlags(args),
    phase: "TEST",
    weights: args.weights,
    strict: args.strict,
    onWarning: warn,
  });
  const all: object[] = [];
  for await (const found of detect(net, images, options)) {
    const path = drawn?.get(found.image);
    if (path !== undefined) await draw(found, path);
    const objects = found.detections.map(({ label, ...rest }) => ({ label, name: labels[label], ...rest }));
    if (args.json) all.push({ ...found, detections: objects, drawn: path });
    else report(args, {}, () => linesOf(found, objects, path));
  }
  if (args.json) report(args, all, () => []);
}

interface NamedObject {
  readonly label: number;
  readonly name: string | undefined;
  readonly score: number;
  readonly box: readonly number[];
}

function linesOf({ image }: Detected, objects: readonly NamedObject[], path: string | undefined): readonly string[] {
  const lines = objects.map(({ label, name, score, box }) => {
    const [left, top, right, bottom] = box.map((side) => side.toFixed(1));
    return `${score.toFixed(4)} - "${name ?? label}" from ${left},${top} to ${right},${bottom}`;
  });
  const where = path === undefined ? [] : [`drawn in ${path}`];
  return [`---------- Detections in ${image} ----------`, ...(lines.length > 0 ? lines : ["nothing found"]), ...where];
}

/** Paths where the boxes of each image are drawn. Throws NetrunError where two images would be drawn in one file. */
function placesOf(output: string, images: readonly string[]): ReadonlyMap<string, string> {
  const isFile = extname(output).toLowerCase() === ".png";
  if (isFile && images.length > 1)
    throw new NetrunError(`${output} is one file for ${images.length} images`, { notes: ["give a folder: -o found"] });
  const places = new Map<string, string>();
  for (const image of images) {
    const path = isFile ? output : join(output, `${basename(image, extname(image))}.png`);
    if ([...places].some(([other, place]) => place === path && other !== image))
      throw new NetrunError(`two images would be drawn in ${path}`, { notes: ["detect in them one at a time"] });
    places.set(image, path);
  }
  return places;
}

async function draw({ image, detections }: Detected, path: string): Promise<void> {
  const pixels = await decodedFile(image, "color");
  const frames = detections.map(({ box, label }) => ({ box, colour: label }));
  makeOutputFolder(join(path, ".."));
  await writeWhole(path, await encodePng(withFrames(pixels, frames)));
}
