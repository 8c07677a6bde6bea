import { join } from "node:path";
import { makeOutputFolder, writeWhole } from "../file.js";
import type { DetectionsOutput, PixelSize } from "../layers/index.js";

/** A detection of an image, in pixels, its box as corner and size to two decimals. */
interface Found {
  readonly image: string;
  readonly label: number;
  readonly score: number;
  readonly box: readonly [x: number, y: number, width: number, height: number];
}

const ROW = 7;

/**
 * Files of detections as SSD's DetectionOutput saves them: `add` takes the rows of one forward, whose images are the next of the list;
 * after the list's last image the files are written, and it begins again. VOC: a file for each class, of lines "image score x1 y1 x2 y2";
 * ILSVRC: one file, with the class after the image; COCO: one JSON array. Source: detection_output_layer.cpp of SSD's Caffe.
 */
export class DetectionFiles {
  readonly #output: DetectionsOutput;
  #images = 0;
  #found: Found[] = [];

  constructor(output: DetectionsOutput) {
    this.#output = output;
  }

  /** Adds rows of (item, class, score, corners), of item or class -1 none. Throws NetrunError if a file cannot be written. */
  async add(rows: Float32Array): Promise<void> {
    const { items, images, total } = this.#output;
    for (let item = 0; item < items; item++) {
      const image = images[this.#images]!;
      for (let at = 0; at < rows.length; at += ROW) {
        const [of, label, score, ...corners] = rows.subarray(at, at + ROW) as unknown as number[];
        if (of !== item || label! < 0) continue;
        const [x1, y1, x2, y2] = inImage(corners, image, this.#output);
        const box = [x1, y1, x2 - x1, y2 - y1].map((v) => Math.round(Math.fround(v) * 100) / 100);
        this.#found.push({ image: image.name, label: label!, score: score!, box: box as unknown as Found["box"] });
      }
      this.#images++;
      if (this.#images < total) continue;
      await this.#write();
      [this.#images, this.#found] = [0, []];
    }
  }

  async #write(): Promise<void> {
    const { folder, prefix, format, names } = this.#output;
    makeOutputFolder(folder);
    const write = (name: string, text: string) => writeWhole(join(folder, name), text);
    switch (format) {
      case "VOC":
        for (const [label, name] of names) {
          const own = this.#found.filter((each) => each.label === label);
          await write(`${prefix}${name}.txt`, lines(own.map((each) => `${each.image} ${rest(each)}`)));
        }
        return;
      case "ILSVRC":
        await write(`${prefix}.txt`, lines(this.#found.map((each) => `${each.image} ${each.label} ${rest(each)}`)));
        return;
      case "COCO":
        await write(
          `${prefix}.json`,
          `${JSON.stringify(
            this.#found.map((each) => this.#coco(each)),
            undefined,
            2,
          )}\n`,
        );
        return;
    }
  }

  #coco({ image, label, score, box }: Found) {
    const name = this.#output.names.get(label)!;
    return { image_id: numeric(image), category_id: numeric(name), bbox: box, score: Number(score.toPrecision(9)) };
  }
}

const lines = (texts: readonly string[]) => texts.map((text) => `${text}\n`).join("");

/** The score, of six digits as C++ prints it, and the corners, of whose parts the fork cuts fractions off. */
function rest({ score, box }: Found): string {
  const [x, y, width, height] = box.map(Math.trunc) as [number, number, number, number];
  return `${Number(score.toPrecision(6))} ${x} ${y} ${x + width} ${y + height}`;
}

/** A number where a text is one. */
const numeric = (text: string) => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text);

/** Corners in pixels of an image, clipped to it. Source: OutputBBox in util/bbox_util.cpp of SSD's Caffe. */
function inImage(
  corners: readonly number[],
  image: PixelSize,
  { resize }: DetectionsOutput,
): readonly [number, number, number, number] {
  const sides = [image.width, image.height, image.width, image.height];
  const clip = (value: number, most: number) => Math.max(0, Math.min(value, most));
  const all = (values: readonly number[]) => values as unknown as readonly [number, number, number, number];
  if (resize?.by === "scale")
    return all(corners.map((v, k) => clip(v * (k % 2 === 0 ? resize.width : resize.height), sides[k]!)));
  const parts = resize?.by === "pads" ? withoutPads(corners, image, resize) : corners;
  return all(parts.map((v, k) => clip(v, 1) * sides[k]!));
}

/** Corners as parts of what an image takes of a padded one; where they do not meet it, as they are. */
function withoutPads(corners: readonly number[], image: PixelSize, size: PixelSize): readonly number[] {
  const aspect = image.width / image.height / (size.width / size.height);
  const share = [Math.min(1, aspect), Math.min(1, 1 / aspect)];
  const first = share.map((part) => (1 - part) / 2);
  const meets = [0, 1].every((k) => corners[k]! < 1 - first[k]! && corners[k + 2]! > first[k]!);
  return meets ? corners.map((v, k) => (v - first[k % 2]!) / share[k % 2]!) : corners;
}
