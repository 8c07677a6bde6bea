import type { Buffers } from "../../../buffers.js";
import type { Mean } from "../../../caffe/mean.js";
import { NetrunError } from "../../../error.js";
import { count, sameShape } from "../../../graph/type.js";
import { type LabelRange, type LabelRanges, labelProblem } from "../../../net/label-ranges.js";
import { random } from "../../../random.js";
import { imagesAhead } from "../../image/ahead.js";
import { type Image, throughJpeg } from "../../image/image.js";
import { resample } from "../../image/resample.js";
import { resizeImage } from "../../image/resize.js";
import { BOXES, type Box } from "../../source/boxes.js";
import type { DataSource } from "../../source/source.js";
import { BadRow, decodedOr, type RecordId, recordAt } from "../bad-row.js";
import type { Batch, Rows, RowsToBatches } from "../batch.js";
import type { RecordsSpec } from "../feed-spec.js";
import { type Transform, transformer } from "../transform.js";
import { distorted } from "./distort.js";
import { mirroredBoxes, projected, resizedBoxes, scaledBoxes } from "./geometry.js";
import { cropped, expanded } from "./pixels.js";
import { noised } from "./noise.js";
import { padded, sizeAround } from "./resize.js";
import { boxesIn, imageOf, refuseFailed } from "./rows.js";
import { jitteredPart, sampledPart } from "./sample.js";
import type { AnnotationSpec, ResizeSpec } from "./spec.js";

/** Numbers of a row of the second top: item, label, instance, corners, difficult. */
const ROW = 8;
/** Numbers of a row of centres: class, centre, size. */
const CENTRED_ROW = 5;
/** Key of the random numbers of a record beside those of its crop and mirror. */
const AUGMENT = 1;
/** Key of the random number of a batch, by its first record. */
const BATCH = 3;

type AnnotatedSpec = RecordsSpec & { readonly annotations: AnnotationSpec };

/**
 * Makes batches of images and their boxes, which change together: colours, expansion, a sampled part, size, crop, mirror, mean and
 * scale, in the order of SSD's Caffe. Tops: images [n, c, h, w] and [1, 1, g, 8], a row of (item, label, instance, corners,
 * difficult) for each box, then rows of -1, so that g is one of few numbers and the net is compiled for few shapes.
 */
export class AnnotatedBuilder implements RowsToBatches {
  readonly #spec: AnnotatedSpec;
  readonly #source: DataSource;
  readonly #mean: Mean | undefined;
  readonly #buffers: Buffers;
  readonly #onBad: ((error: NetrunError) => void) | undefined;
  readonly #ranges: readonly LabelRange[];
  readonly #transforms = new Map<string, Transform>();
  #shape: readonly number[] = [];
  #data: Float32Array = new Float32Array(0);
  #boxes: Box[][] = [];
  /** Size that the images of the batch get. */
  #resize: ResizeSpec | undefined;

  /** As of `BatchBuilder`. Throws a NetrunError where the source has no boxes. */
  constructor(
    spec: AnnotatedSpec,
    source: DataSource,
    mean: Mean | undefined,
    buffers: Buffers,
    onBad: ((error: NetrunError) => void) | undefined,
    ranges: LabelRanges,
  ) {
    this.#spec = spec;
    this.#source = source;
    this.#mean = mean;
    this.#buffers = buffers;
    this.#onBad = onBad;
    this.#ranges = ranges[spec.tops[1] ?? ""] ?? [];
    const { data, [BOXES]: boxes } = source.fields;
    if (data && (boxes || spec.tops.length < 2)) return;
    throw new NetrunError(`the source has no ${data ? "boxes" : "images"} for an AnnotatedData layer`, {
      notes: [
        `its fields are ${Object.keys(source.fields).join(", ")}`,
        "databases of AnnotatedDatum messages, as create_annoset writes them, have both",
      ],
    });
  }

  async add(from: Rows, row: number, available: number, first: RecordId): Promise<number> {
    const rows = Math.min(available, this.#spec.batchSize - this.#boxes.length);
    const images = imagesAhead(rows, (i) => imageOf(from.columns, row + i, this.#spec.images.colour));
    for (let i = 0; i < rows; i++) {
      const record = recordAt(first, i);
      const next = images();
      try {
        refuseFailed(from, row + i, record);
        const image = await decodedOr(() => next, record);
        await this.#write(from, row + i, image, record);
      } catch (error) {
        if (!(error instanceof BadRow)) throw error;
        const located = await this.#located(error);
        if (!this.#onBad) throw located;
        this.#onBad(located);
      }
    }
    return rows;
  }

  async check(from: Rows, rows: number, first: RecordId): Promise<void> {
    try {
      for (let row = 0; row < rows; row++) this.#boxesOf(from, row, recordAt(first, row));
    } catch (error) {
      throw error instanceof BadRow ? await this.#located(error) : error;
    }
  }

  take(end: number): Batch | undefined {
    const { batchSize, tops } = this.#spec;
    if (this.#boxes.length < batchSize) return undefined;
    const boxes = this.#boxes;
    this.#boxes = [];
    const images = { shape: [batchSize, ...this.#shape], data: this.#data };
    const tensors = { [tops[0]!]: images, ...(tops[1] !== undefined && { [tops[1]]: this.#rows(boxes) }) };
    return { tensors, end };
  }

  shapes({ tensors }: Batch, batchSize: number): Readonly<Record<string, readonly number[]>> {
    const [images, boxes] = this.#spec.tops;
    const g = boxes === undefined ? 0 : tensors[boxes]!.shape[2]!;
    if (boxes !== undefined && this.#spec.annotations.centred)
      return {
        [images!]: [batchSize, ...tensors[images!]!.shape.slice(1)],
        [boxes]: [batchSize, 1, g, CENTRED_ROW],
      };
    return {
      [images!]: [batchSize, ...tensors[images!]!.shape.slice(1)],
      ...(boxes !== undefined && { [boxes]: [1, 1, roomFor(g * batchSize), ROW] }),
    };
  }

  #rows(boxes: readonly (readonly Box[])[]) {
    return this.#spec.annotations.centred ? centredRows(boxes) : rowsOf(boxes);
  }

  async #write(from: Rows, row: number, decoded: Image, record: RecordId): Promise<void> {
    const { annotations, batchSize } = this.#spec;
    if (this.#boxes.length === 0) this.#resize = this.#drawResize(record);
    const changed = await this.#augment(decoded, this.#boxesOf(from, row, record), annotations, record);
    const transform = this.#transform(changed.image, record);
    const choice = transform.choose(record.ordinal);
    const at = this.#boxes.length;
    const size = count(transform.shape);
    if (at === 0) {
      this.#shape = transform.shape;
      this.#data = this.#buffers.take(batchSize * size);
    } else if (!sameShape(transform.shape, this.#shape))
      throw new BadRow(
        new NetrunError(`an image of the shape [${transform.shape}] in a batch of the shape [${this.#shape}]`, {
          notes: ["give transform_param a crop_size or a resize_param that gives one size, or batch_size 1"],
        }),
        record,
      );
    transform.applyChoice(changed.image.pixels, 0, this.#data, at * size, choice);
    const [, height, width] = changed.image.shape;
    const [, newHeight, newWidth] = transform.shape as readonly [number, number, number];
    const part = {
      xmin: choice.left / width,
      ymin: choice.top / height,
      xmax: (choice.left + newWidth) / width,
      ymax: (choice.top + newHeight) / height,
    };
    const inside = projected(changed.boxes, part, annotations.emit);
    const turned = choice.mirror ? mirroredBoxes(inside) : inside;
    const scale = this.#resize?.boxScale;
    this.#boxes.push(scale ? scaledBoxes(turned, newHeight / scale.height, newWidth / scale.width) : turned);
  }

  /** One of the ways to resize, by their probabilities; the first record of the batch decides, so that training resumes with the same. */
  #drawResize({ ordinal }: RecordId): ResizeSpec | undefined {
    const { resizes } = this.#spec.annotations;
    if (resizes.length < 2) return resizes[0];
    const sum = resizes.reduce((all, { probability }) => all + probability, 0);
    let left = sum * random(this.#spec.seed, this.#spec.shard.index, ordinal, BATCH).uniform();
    return resizes.find(({ probability }) => {
      left -= probability;
      return left < 0;
    });
  }

  /** The image and its boxes before crop, mirror, mean and scale. */
  async #augment(decoded: Image, given: readonly Box[], spec: AnnotationSpec, { ordinal }: RecordId) {
    const { samplers, distort, expand, noise, emit, centred } = spec;
    const resize = this.#resize;
    const draws = random(this.#spec.seed, this.#spec.shard.index, ordinal, AUGMENT);
    let [image, boxes] = [distort ? distorted(draws, decoded, distort) : decoded, given];
    const larger = expand && expanded(draws, image, expand, this.#spec.transform.meanValues);
    if (larger) [image, boxes] = [larger.image, projected(boxes, larger.part, emit)];
    const part = centred
      ? jitteredPart(draws, centred.jitter)
      : samplers.length > 0
        ? sampledPart(draws, samplers, boxes)
        : undefined;
    if (part) [image, boxes] = [cropped(image, part), projected(boxes, part, emit)];
    if (resize) {
      const [, height, width] = image.shape;
      [image, boxes] = [resized(image, resize, draws.integer), resizedBoxes(boxes, resize, { height, width })];
    }
    if (noise) image = await noised(draws, image, noise, throughJpeg);
    return { image, boxes };
  }

  #transform({ shape }: Image, record: RecordId): Transform {
    const key = String(shape);
    const known = this.#transforms.get(key);
    if (known) return known;
    const { phase, seed, shard, transform } = this.#spec;
    try {
      const made = transformer(transform, shape, { phase, seed, part: shard.index, mean: this.#mean, bytes: true });
      this.#transforms.set(key, made);
      return made;
    } catch (error) {
      throw error instanceof NetrunError ? new BadRow(error, record) : error;
    }
  }

  /** The boxes of a row. Throws a BadRow for one that cannot be used. */
  #boxesOf(from: Rows, row: number, record: RecordId): readonly Box[] {
    if (!from.columns[BOXES] && this.#spec.tops.length < 2 && !from.failures.has(row)) return [];
    const boxes = boxesIn(from, row, record);
    // Centres have classes without a background.
    const first = this.#spec.annotations.centred ? 1 : 0;
    for (const { label } of this.#ranges.length > 0 ? boxes : []) {
      const problem = labelProblem(label - first, this.#ranges);
      if (problem !== undefined) throw new BadRow(new NetrunError(`"${BOXES}": the label ${problem}`), record);
    }
    return boxes;
  }

  async #located({ error, record }: BadRow): Promise<NetrunError> {
    const where = await this.#source.locate(record.index, record.epoch);
    return new NetrunError(`${where}: ${error.message}`, { notes: error.notes, cause: error });
  }
}

function resized(image: Image, spec: ResizeSpec, integer: (n: number) => number): Image {
  const { interpolations, fit } = spec;
  const by =
    interpolations.length > 1 ? interpolations[integer(interpolations.length)]! : (interpolations[0] ?? "linear");
  const to = (height: number, width: number) =>
    by === "linear" ? resizeImage(image, height, width) : resample(image, height, width, by);
  if (fit === "inside") return padded(image, spec, to);
  return fit === "around" ? to(...sizeAround(image, spec)) : to(spec.height, spec.width);
}

/** Room for boxes: 8, 12, 16, 24, 32, 48 ... */
export function roomFor(boxes: number): number {
  let room = 8;
  while (room < boxes) room = Number.isInteger(Math.log2(room)) ? room * 1.5 : (room * 4) / 3;
  return room;
}

function rowsOf(boxes: readonly (readonly Box[])[]) {
  const room = roomFor(boxes.reduce((sum, { length }) => sum + length, 0));
  const data = new Float32Array(room * ROW).fill(-1);
  let at = 0;
  boxes.forEach((own, item) => {
    for (const { label, instance, xmin, ymin, xmax, ymax, difficult } of own) {
      data.set([item, label, instance, xmin, ymin, xmax, ymax, Number(difficult)], at);
      at += ROW;
    }
  });
  return { shape: [1, 1, room, ROW], data };
}

/** Rows of the centres of each image, as many for each. */
function centredRows(boxes: readonly (readonly Box[])[]) {
  const counted = boxes.map((own) => own.filter(({ difficult }) => !difficult));
  const room = roomFor(Math.max(...counted.map(({ length }) => length)));
  const data = new Float32Array(boxes.length * room * CENTRED_ROW);
  counted.forEach((own, item) => {
    own.forEach(({ label, xmin, ymin, xmax, ymax }, i) => {
      const row = [label - 1, (xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin];
      data.set(row, (item * room + i) * CENTRED_ROW);
    });
  });
  return { shape: [boxes.length, 1, room, CENTRED_ROW], data };
}
