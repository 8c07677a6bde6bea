import { resizeImage } from "../data/image/resize.js";
import { NetrunError } from "../error.js";
import { checkNumber, countRange } from "../options/number.js";
import { decodedFile, type ImageInputOptions, imageInputOf, normalisedPixels } from "./image-input.js";
import { type Detection, detectByRegions, type RegionOptions, regionInputsOf } from "./detect-regions.js";
import type { Net } from "./net.js";

/** Preprocessing of images for a net, and the detections wanted. */
export interface DetectOptions extends ImageInputOptions, RegionOptions {
  /** The least score of detections to give. Default 0.5. */
  readonly minScore?: number | undefined;
  /** Detections to give of an image at most, those of the greatest scores. Default 100. */
  readonly top?: number | undefined;
  /** The blob with the rows of detections. Default the net's last output. */
  readonly output?: string | undefined;
}

/** Detections in one image: the greatest scores first. */
export interface Detected {
  readonly image: string;
  readonly width: number;
  readonly height: number;
  readonly detections: readonly Detection[];
}

/** Numbers of a row: item, class, score, corners as parts of the image. */
const ROW = 7;

/**
 * Detects objects in image files (JPEG, PNG, BMP ...) with a net of one input [n, c, h, w] whose output is rows of DetectionOutput or of
 * its like in YOLO nets, one image after the other: resized to the net's input, normalised. Nets of an image and its height, width and
 * scale [1, 3] (Faster R-CNN, R-FCN) give a box for each class at each region that they propose. Throws NetrunError for a net of
 * other inputs or outputs, and an image that does not decode.
 */
export async function* detect(
  net: Net,
  images: readonly string[],
  options: DetectOptions = {},
): AsyncGenerator<Detected, void> {
  const { top = 100, minScore = 0.5, output = net.outputs.at(-1)! } = options;
  checkNumber("top", top, countRange("detections"));
  checkNumber("minScore", minScore, {});
  const regions = regionInputsOf(net);
  if (regions) {
    for (const image of images) {
      const decoded = await decodedFile(image, regions.channels === 1 ? "gray" : "color");
      const found = await detectByRegions(net, regions, decoded, { ...options, minScore });
      const [, height, width] = decoded.shape;
      yield { image, width, height, detections: bestOf(found, top) };
    }
    return;
  }
  const input = imageInputOf(net, options);
  checkOutput(net, output);
  const [channels, netHeight, netWidth] = input.shape;
  for (const image of images) {
    const decoded = await decodedFile(image, channels === 1 ? "gray" : "color");
    const [, height, width] = decoded.shape;
    const { pixels } = resizeImage(decoded, netHeight, netWidth);
    const data = normalisedPixels(pixels, input.mean, options);
    const blobs = await net.forward({ [input.name]: { shape: [1, ...input.shape], data } }, { blobs: [output] });
    const found = detectionsOf(blobs[output]!.data, { width, height }).filter(({ score }) => score >= minScore);
    yield { image, width, height, detections: bestOf(found, top) };
  }
}

const bestOf = (found: Detection[], top: number) => found.sort((a, b) => b.score - a.score).slice(0, top);

function checkOutput(net: Net, output: string): void {
  const shape = net.shapes.get(output);
  if (!shape) throw new NetrunError(`the net has no blob "${output}"`);
  if (shape.at(-1) === ROW) return;
  throw new NetrunError(`"${output}" [${shape}] is not rows of detections [1, 1, n, ${ROW}]`, {
    notes: [
      "nets that end with DetectionOutput (SSD) or YoloDetectionOutput give such rows",
      `outputs here: ${net.outputs.join(", ")}`,
    ],
  });
}

/** The detections in rows; rows of no class are none. */
function detectionsOf(
  rows: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
): Detection[] {
  const found: Detection[] = [];
  for (let at = 0; at < rows.length; at += ROW) {
    const [, label, score, left, top, right, bottom] = rows.subarray(at, at + ROW) as unknown as number[];
    if (label! < 0) continue;
    found.push({
      label: label!,
      score: score!,
      box: [left! * width, top! * height, right! * width, bottom! * height],
    });
  }
  return found;
}
