import type { Buffers } from "../../../buffers.js";
import { NetrunError } from "../../../error.js";
import { random } from "../../../random.js";
import { imagesAhead } from "../../image/ahead.js";
import type { Image } from "../../image/image.js";
import { resizeImage } from "../../image/resize.js";
import type { Box } from "../../source/boxes.js";
import type { DataSource } from "../../source/source.js";
import { BadRow, decodedOr, type RecordId, recordAt } from "../bad-row.js";
import type { Batch, Rows, RowsToBatches } from "../batch.js";
import type { RecordsSpec } from "../feed-spec.js";
import { boxesIn, imageOf, refuseFailed } from "./rows.js";
import type { RegionsSpec } from "./spec.js";

type Spec = RecordsSpec & { readonly regions: RegionsSpec };

/** Key of the random numbers of a record. */
const DRAWS = 2;

/**
 * Makes batches of one image, as Faster R-CNN's RoIDataLayer does: the image minus the means [1, 3, h, w], resized so that its shorter
 * side has a scale's length; its height, width and scale [1, 3]; boxes in pixels and their classes [g, 5], difficult ones skipped.
 */
export class RegionsBuilder implements RowsToBatches {
  readonly #spec: Spec;
  readonly #source: DataSource;
  readonly #buffers: Buffers;
  readonly #onBad: ((error: NetrunError) => void) | undefined;
  #ready: Omit<Batch, "end"> | undefined;
  /** Images without a box since the last one that has some. */
  #empty = 0;

  /** As of `BatchBuilder`; the source has boxes. */
  constructor(spec: Spec, source: DataSource, buffers: Buffers, onBad: ((error: NetrunError) => void) | undefined) {
    this.#spec = spec;
    this.#source = source;
    this.#buffers = buffers;
    this.#onBad = onBad;
  }

  async add(from: Rows, row: number, _available: number, record: RecordId): Promise<number> {
    const next = imagesAhead(1, () => imageOf(from.columns, row, "color"));
    try {
      refuseFailed(from, row, record);
      const image = await decodedOr(next, record);
      const boxes = boxesIn(from, row, record).filter(({ difficult }) => !difficult);
      // An image without boxes trains nothing.
      this.#empty = boxes.length > 0 ? 0 : this.#empty + 1;
      if (this.#empty >= this.#source.length) throw new NetrunError(`none of ${this.#empty} images has a box`);
      if (boxes.length > 0) this.#ready = { tensors: this.#tensors(image, boxes, record) };
    } catch (error) {
      if (!(error instanceof BadRow)) throw error;
      const located = await this.#located(error);
      if (!this.#onBad) throw located;
      this.#onBad(located);
    }
    return 1;
  }

  async check(from: Rows, rows: number, first: RecordId): Promise<void> {
    try {
      for (let row = 0; row < rows; row++) boxesIn(from, row, recordAt(first, row));
    } catch (error) {
      throw error instanceof BadRow ? await this.#located(error) : error;
    }
  }

  take(end: number): Batch | undefined {
    const ready = this.#ready;
    this.#ready = undefined;
    return ready && { ...ready, end };
  }

  shapes({ tensors }: Batch): Readonly<Record<string, readonly number[]>> {
    return Object.fromEntries(Object.entries(tensors).map(([top, { shape }]) => [top, shape]));
  }

  #tensors(image: Image, boxes: readonly Box[], { ordinal }: RecordId): Batch["tensors"] {
    const { regions, seed, shard, tops } = this.#spec;
    const draws = random(seed, shard.index, ordinal, DRAWS);
    const side = regions.scales[regions.scales.length > 1 ? draws.integer(regions.scales.length) : 0]!;
    const isFlipped = regions.flipped && draws.integer(2) === 1;
    const [channels, oldHeight, oldWidth] = image.shape;
    const [least, most] = [Math.min(oldHeight, oldWidth), Math.max(oldHeight, oldWidth)];
    const scale = Math.min(side / least, regions.maxSize / most);
    const [height, width] = [Math.round(oldHeight * scale), Math.round(oldWidth * scale)];
    const { pixels } = resizeImage(image, height, width);
    const data = this.#buffers.take(channels * height * width);
    for (let at = 0; at < data.length; at++) {
      const column = at % width;
      const from = isFlipped ? at - column + (width - 1 - column) : at;
      data[at] = pixels[from]! - (regions.means[Math.floor(at / (height * width))] ?? regions.means[0] ?? 0);
    }
    // Corners are pixels that belong to the box.
    const edges = boxes.flatMap(({ label, xmin, ymin, xmax, ymax }) => {
      const [left, right] = isFlipped ? [1 - xmax, 1 - xmin] : [xmin, xmax];
      return [left * width, ymin * height, right * width - 1, ymax * height - 1, label];
    });
    return {
      [tops[0]!]: { shape: [1, channels, height, width], data },
      [tops[1]!]: { shape: [1, 3], data: Float32Array.of(height, width, scale) },
      [tops[2]!]: { shape: [boxes.length, 5], data: Float32Array.from(edges) },
    };
  }

  async #located({ error, record }: BadRow): Promise<NetrunError> {
    const where = await this.#source.locate(record.index, record.epoch);
    return new NetrunError(`${where}: ${error.message}`, { notes: error.notes, cause: error });
  }
}
