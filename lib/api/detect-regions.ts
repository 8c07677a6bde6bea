import { resizeImage } from "../data/image/resize.js";
import type { Image } from "../data/image/image.js";
import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import { checkNumber, countRange } from "../options/number.js";
import { type ImageInputOptions, meansOf, normalisedPixels } from "./image-input.js";
import type { Net, Tensor } from "./net.js";

/** An object that was detected. */
export interface Detection {
  /** The class, as the net counts: 0 is the background in most. */
  readonly label: number;
  readonly score: number;
  /** Corners in pixels of the image, which they may reach over. */
  readonly box: readonly [left: number, top: number, right: number, bottom: number];
}

/** Sizes of images for nets that propose regions, and the choice among their detections. */
export interface RegionOptions {
  /** The shorter side of images in pixels. Default 600. */
  readonly shorterSide?: number | undefined;
  /** The longer side at most. Default 1000. */
  readonly longerSide?: number | undefined;
  /** Detections that overlap a better one of their class by more than this (intersection over union) go. Default 0.3. */
  readonly overlap?: number | undefined;
}

/** Names that the authors' programs read, in Faster R-CNN's and R-FCN's deploy nets. */
const [ROIS, PROBABILITIES, OFFSETS] = ["rois", "cls_prob", "bbox_pred"] as const;

/** The inputs of a net that proposes regions. */
export interface RegionInputs {
  readonly image: string;
  readonly channels: number;
  readonly info: string;
}

/** The inputs of a net of images and of their height, width and scale [1, 3], in any order; undefined for another net. */
export function regionInputsOf(net: Net): RegionInputs | undefined {
  const image = net.inputs.find((name) => net.shapes.get(name)!.length === 4);
  const info = net.inputs.find((name) => name !== image && count(net.shapes.get(name)!) === 3);
  if (net.inputs.length !== 2 || image === undefined || info === undefined) return undefined;
  const missing = [ROIS, PROBABILITIES, OFFSETS].find((name) => !net.shapes.has(name));
  if (missing !== undefined)
    throw new NetrunError(`the net has no blob "${missing}"`, {
      notes: [
        `nets of ${image} and ${info} are read as Faster R-CNN's authors do: ${ROIS}, ${PROBABILITIES}, ${OFFSETS}`,
      ],
    });
  return { image, channels: net.shapes.get(image)![1]!, info };
}

/**
 * Detections in an image as Faster R-CNN's authors test: the shorter side is resized to 600 pixels, the longer to at most 1000; each
 * class but 0 has its box at each region, moved by its offsets and cut to the image, and non-maximum suppression of its own. Nets
 * whose offsets are those of two classes (R-FCN's) have one box for all. Source: lib/fast_rcnn/test.py of py-faster-rcnn.
 */
export async function detectByRegions(
  net: Net,
  { image: input, channels, info }: RegionInputs,
  image: Image,
  options: RegionOptions & ImageInputOptions & { readonly minScore: number },
): Promise<Detection[]> {
  const { shorterSide = 600, longerSide = 1000, overlap = 0.3 } = options;
  checkNumber("shorterSide", shorterSide, countRange("pixels"));
  checkNumber("longerSide", longerSide, countRange("pixels"));
  checkNumber("overlap", overlap, {});
  const [, height, width] = image.shape;
  const scale = Math.min(shorterSide / Math.min(height, width), longerSide / Math.max(height, width));
  const [newHeight, newWidth] = [Math.round(height * scale), Math.round(width * scale)];
  const { pixels } = resizeImage(image, newHeight, newWidth);
  const data = normalisedPixels(pixels, meansOf(options, channels), options);
  const blobs = await net.forward(
    {
      [input]: { shape: [1, channels, newHeight, newWidth], data },
      [info]: { shape: net.shapes.get(info)!, data: Float32Array.of(newHeight, newWidth, scale) },
    },
    { blobs: [ROIS, PROBABILITIES, OFFSETS] },
  );
  const found = candidates(blobs as Record<string, Tensor>, { height, width, scale, minScore: options.minScore });
  return found.flatMap((boxes) => suppressed(boxes, overlap));
}

interface Frame {
  readonly height: number;
  readonly width: number;
  readonly scale: number;
  readonly minScore: number;
}

/** The boxes of each class but 0 that score enough. */
function candidates(blobs: Readonly<Record<string, Tensor>>, frame: Frame): readonly (readonly Detection[])[] {
  const [rois, scores, offsets] = [blobs[ROIS]!, blobs[PROBABILITIES]!, blobs[OFFSETS]!];
  const regions = rois.shape[0]!;
  const [classes, numbers] = [count(scores.shape, 1), count(offsets.shape, 1)];
  const isShared = numbers === 8 && classes !== 2;
  if (rois.shape[1] !== 5 || scores.shape[0] !== regions || (!isShared && numbers !== 4 * classes))
    throw new NetrunError(
      `${ROIS} [${rois.shape}], ${PROBABILITIES} [${scores.shape}] and ${OFFSETS} [${offsets.shape}] do not go together`,
    );
  return Array.from({ length: classes - 1 }, (_, i) => {
    const label = i + 1;
    return Array.from({ length: regions }, (_, region) => region)
      .filter((region) => scores.data[region * classes + label]! >= frame.minScore)
      .map((region) => ({
        label,
        score: scores.data[region * classes + label]!,
        box: moved(
          rois.data.subarray(5 * region + 1, 5 * region + 5),
          offsets.data.subarray(region * numbers + 4 * (isShared ? 1 : label)),
          frame,
        ),
      }));
  });
}

/** A region in pixels of the image, moved by offsets and cut to the image. */
function moved(roi: Float32Array, offsets: Float32Array, { height, width, scale }: Frame): Detection["box"] {
  const [left, top, right, bottom] = Array.from(roi, (side) => side / scale) as [number, number, number, number];
  const [dx, dy, dw, dh] = offsets as unknown as [number, number, number, number];
  const [w, h] = [right - left + 1, bottom - top + 1];
  const [x, y] = [left + w / 2 + dx * w, top + h / 2 + dy * h];
  const [halfWidth, halfHeight] = [(Math.exp(dw) * w) / 2, (Math.exp(dh) * h) / 2];
  const cut = (side: number, size: number) => Math.max(0, Math.min(size - 1, side));
  return [
    cut(x - halfWidth, width),
    cut(y - halfHeight, height),
    cut(x + halfWidth, width),
    cut(y + halfHeight, height),
  ];
}

/** Detections of one class without those that overlap a better one. Corners are pixels that belong to the box. */
function suppressed(boxes: readonly Detection[], overlap: number): Detection[] {
  const area = ([left, top, right, bottom]: Detection["box"]) => (right - left + 1) * (bottom - top + 1);
  const shared = (a: Detection["box"], b: Detection["box"]) =>
    Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + 1) *
    Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + 1);
  const kept: Detection[] = [];
  for (const found of [...boxes].sort((a, b) => b.score - a.score)) {
    const isOwn = kept.every(({ box }) => {
      const both = shared(found.box, box);
      return both / (area(found.box) + area(box) - both) <= overlap;
    });
    if (isOwn) kept.push(found);
  }
  return kept;
}
