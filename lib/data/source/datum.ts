import type { RecordBatch } from "apache-arrow";
import { decode, sub } from "../../caffe/message.js";
import type { AnnotatedDatum, Datum } from "../../caffe/messages.js";
import { count } from "../../graph/type.js";
import { BOXES, type Box, packBoxes } from "./boxes.js";
import { bytesColumn, type NumberColumn, recordBatch } from "./columns.js";
import { type RawDatum, scanRawDatum } from "./datum-scan.js";
import { rowsPerBatch } from "./source.js";

/** A Datum's content in the form of a row: pixels or floats of a shape, or an encoded image. */
interface Row {
  readonly dtype: "uint8" | "float32" | "image";
  readonly shape: readonly number[];
  readonly data: Uint8Array | readonly number[];
  readonly label: number;
  /** Packed boxes, of an AnnotatedDatum. */
  readonly boxes?: Uint8Array | undefined;
}

/** The first byte of an AnnotatedDatum, whose first field is a message; a Datum's is a number. */
const ANNOTATED = 0x0a;

/**
 * Gathers Datum messages into record batches with the fields data and label, and AnnotatedDatum messages (SSD's) into such with the
 * fields data and boxes. A batch ends when it is full or when a
 * Datum of another kind or shape follows.
 */
export class DatumBatcher {
  #first: Row | undefined;
  #isRaw = false;
  readonly #raw: RawDatum = { channels: 0, height: 0, width: 0, label: 0, start: 0, end: 0 };
  #capacity = 0;
  #rows = 0;
  #values: NumberColumn["values"] = new Uint8Array(0);
  #images: Uint8Array[] = [];
  #boxes: Uint8Array[] = [];
  #labels = new Int32Array(0);
  #failures = new Map<number, string>();

  /**
   * Adds one encoded Datum message, whose bytes may change after the call. Gives the record batch before it, if that is complete.
   * A damaged message becomes a row that is noted as failed.
   */
  add(message: Uint8Array): RecordBatch | undefined {
    const raw = this.#raw;
    if (scanRawDatum(message, raw)) {
      const fits = this.#isRaw && this.#rows < this.#capacity && sameShape(this.#first!.shape, raw);
      const finished = fits ? undefined : this.flush();
      const data = message.subarray(raw.start, raw.end);
      if (!fits) this.#begin({ dtype: "uint8", shape: [raw.channels, raw.height, raw.width], data, label: raw.label });
      this.#values.set(data, this.#rows * data.length);
      this.#labels[this.#rows++] = raw.label;
      return finished;
    }
    const row = rowOf(message);
    if (typeof row === "string") return this.#fail(row);
    const first = this.#first;
    const isAlike = first && row.dtype === first.dtype && !row.boxes === !first.boxes;
    const fits = isAlike && row.shape.every((dim, i) => dim === first.shape[i]);
    const finished = fits && this.#rows < this.#capacity ? undefined : this.flush();
    if (!this.#first) this.#begin(row);
    this.#append(row);
    return finished;
  }

  #fail(why: string): RecordBatch | undefined {
    const finished = this.#first && this.#rows < this.#capacity ? undefined : this.flush();
    if (!this.#first) this.#begin({ dtype: "image", shape: [], data: new Uint8Array(0), label: 0 });
    this.#failures.set(this.#rows, why);
    if (this.#first!.dtype === "image") this.#images.push(new Uint8Array(0));
    if (this.#first!.boxes) this.#boxes.push(new Uint8Array(0));
    this.#rows++;
    return finished;
  }

  /** The rows gathered so far, if any, as a record batch. */
  flush(): RecordBatch | undefined {
    const first = this.#first;
    if (!first) return undefined;
    this.#first = undefined;
    this.#isRaw = false;
    const label = { dtype: "int32", shape: [], values: this.#labels.subarray(0, this.#rows) } as const;
    const images = this.#images;
    const data =
      first.dtype === "image"
        ? bytesColumn(images.length, (row) => images[row]!)
        : {
            dtype: first.dtype,
            shape: first.shape,
            values: this.#values.subarray(0, this.#rows * count(first.shape)),
          };
    const notes = this.#failures.size > 0 ? { failures: this.#failures } : {};
    const boxes = this.#boxes;
    const columns = first.boxes ? { data, [BOXES]: bytesColumn(boxes.length, (row) => boxes[row]!) } : { data, label };
    return recordBatch(columns, this.#rows, {}, notes);
  }

  #begin(row: Row): void {
    const n = count(row.shape);
    this.#first = row;
    this.#isRaw = row.dtype === "uint8";
    this.#rows = 0;
    this.#images = [];
    this.#boxes = [];
    this.#failures = new Map();
    this.#capacity = rowsPerBatch(row.data.length * (row.dtype === "float32" ? 4 : 1));
    this.#labels = new Int32Array(this.#capacity);
    if (row.dtype === "uint8") this.#values = new Uint8Array(this.#capacity * n);
    if (row.dtype === "float32") this.#values = new Float32Array(this.#capacity * n);
  }

  #append(row: Row): void {
    if (row.dtype === "image") this.#images.push(Uint8Array.from(row.data));
    else this.#values.set(row.data, this.#rows * row.data.length);
    if (row.boxes) this.#boxes.push(row.boxes);
    this.#labels[this.#rows++] = row.label;
  }
}

function sameShape([channels, height, width]: readonly number[], raw: RawDatum): boolean {
  return channels === raw.channels && height === raw.height && width === raw.width;
}

/** The row of a message, or why it is none. */
function rowOf(message: Uint8Array): Row | string {
  if (message[0] === ANNOTATED) return annotatedRow(message);
  try {
    return datumRow(decode("Datum", message));
  } catch (cause) {
    return `not a Datum message: ${(cause as Error).message}`;
  }
}

function annotatedRow(message: Uint8Array): Row | string {
  try {
    const annotated = decode("AnnotatedDatum", message);
    const row = datumRow(sub(annotated, "datum"));
    return typeof row === "string" ? row : { ...row, boxes: packBoxes(boxesOf(annotated)) };
  } catch (cause) {
    return `not an AnnotatedDatum message: ${(cause as Error).message}`;
  }
}

function boxesOf({ annotation_group: groups }: AnnotatedDatum): Box[] {
  return groups.flatMap(({ group_label: label, annotation }) =>
    annotation.map((each) => {
      const { xmin, ymin, xmax, ymax, difficult } = sub(each, "bbox");
      return { label, instance: each.instance_id, xmin, ymin, xmax, ymax, difficult };
    }),
  );
}

function datumRow(datum: Datum): Row | string {
  const { label } = datum;
  if (datum.encoded) return { dtype: "image", shape: [], data: datum.data, label };
  const shape = [datum.channels, datum.height, datum.width];
  const isBytes = datum.data.length > 0;
  const data = isBytes ? datum.data : datum.float_data;
  const wanted = count(shape);
  if (data.length === wanted && wanted > 0) return { dtype: isBytes ? "uint8" : "float32", shape, data, label };
  return `the Datum has ${data.length} ${isBytes ? "bytes" : "floats"}, its shape [${shape}] wants ${wanted}`;
}
