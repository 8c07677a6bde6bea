import type { Random } from "../../../random.js";
import type { Box } from "../../source/boxes.js";
import { type Corners, coverageOf, overlapOf } from "./geometry.js";
import type { Bounds, Range, SamplerSpec } from "./spec.js";

/** A number of a range. */
export const drawn = (random: Random, [least, greatest]: Range): number =>
  least + random.uniform() * (greatest - least);

/**
 * One of the parts of the image that the samplers found, which may be parts that hold no box where nothing is asked of them;
 * undefined where none was found. Source: util/sampler.cpp of SSD's Caffe.
 */
export function sampledPart(
  random: Random,
  samplers: readonly SamplerSpec[],
  boxes: readonly Box[],
): Corners | undefined {
  const found = samplers.flatMap((sampler) => partsOf(random, sampler, boxes));
  return found.length === 0 ? undefined : found[random.integer(found.length)];
}

/** A part anywhere in the image that lacks up to `jitter` of each side. Source: util/sampler.cpp of MobileNet-YOLO's Caffe. */
export function jitteredPart(random: Random, jitter: number): Corners {
  const [width, height] = [drawn(random, [1 - jitter, 1]), drawn(random, [1 - jitter, 1])];
  const [xmin, ymin] = [drawn(random, [0, 1 - width]), drawn(random, [0, 1 - height])];
  return { xmin, ymin, xmax: xmin + width, ymax: ymin + height };
}

function partsOf(random: Random, sampler: SamplerSpec, boxes: readonly Box[]): Corners[] {
  const found: Corners[] = [];
  const { most = Number.POSITIVE_INFINITY, trials } = sampler;
  for (let trial = 0; trial < trials && found.length < most; trial++) {
    const part = drawnPart(random, sampler);
    if (isWanted(part, sampler, boxes)) found.push(part);
  }
  return found;
}

/** A part anywhere in the image. */
function drawnPart(random: Random, { scale: scales, aspect }: SamplerSpec): Corners {
  const scale = drawn(random, scales);
  // Neither side is longer than the image's.
  const ratio = Math.min(1 / scale ** 2, Math.max(scale ** 2, drawn(random, aspect)));
  const width = Math.min(1, scale * Math.sqrt(ratio));
  const height = Math.min(1, scale / Math.sqrt(ratio));
  const [xmin, ymin] = [drawn(random, [0, 1 - width]), drawn(random, [0, 1 - height])];
  return { xmin, ymin, xmax: xmin + width, ymax: ymin + height };
}

/** Tests whether one box meets all that is asked, or nothing is asked. */
function isWanted(part: Corners, sampler: SamplerSpec, boxes: readonly Box[]): boolean {
  const { overlap, sampleCoverage, objectCoverage } = sampler;
  if (![overlap, sampleCoverage, objectCoverage].some(isLimit)) return true;
  return boxes.some(
    (box) =>
      isWithin(overlap, () => overlapOf(part, box)) &&
      isWithin(sampleCoverage, () => coverageOf(part, box)) &&
      isWithin(objectCoverage, () => coverageOf(box, part)),
  );
}

const isLimit = ({ least, greatest }: Bounds): boolean => least !== undefined || greatest !== undefined;

function isWithin(limits: Bounds, measure: () => number): boolean {
  if (!isLimit(limits)) return true;
  const value = measure();
  return value >= (limits.least ?? Number.NEGATIVE_INFINITY) && value <= (limits.greatest ?? Number.POSITIVE_INFINITY);
}
