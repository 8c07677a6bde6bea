import type { RecordBatch } from "apache-arrow";
import { checkAlloc } from "../../../budget.js";
import { readText } from "../../../caffe/files.js";
import { NetrunError } from "../../../error.js";
import { readImageFile } from "../../image/file.js";
import { BOXES, type Box, packBoxes } from "../boxes.js";
import { bytesColumn, recordBatch } from "../columns.js";
import { readLabelMap } from "../label-map.js";
import { type DataSource, type Shard, shardRange } from "../source.js";
import { epochOrder } from "./source.js";

/** Images and their annotations: what SSD's create_annoset makes databases of. */
export interface AnnotationListSpec {
  /** Lines of an image and an XML file of PASCAL VOC's form. */
  readonly list: string;
  /** Put in front of each name. */
  readonly root: string;
  /** The label map: which numbers the names of classes have. */
  readonly labels: string;
  readonly shuffle?: number | undefined;
}

/** Files read at a time. */
const FILES_AT_ONCE = 16;
/** About what a line takes in memory beyond its characters. */
const LINE_BYTES = 100;

interface Entry {
  readonly line: number;
  readonly image: string;
  readonly annotation: string;
}

/**
 * The images of a list with the boxes in their annotations, in the order of classes that create_annoset gives them. A line whose files
 * cannot be used is a row that is noted as failed. Throws a NetrunError where the list or the label map cannot be read.
 */
export async function annotationListSource(spec: AnnotationListSpec): Promise<DataSource> {
  const labels = new Map(readLabelMap(spec.labels).map(({ name, label }) => [name, label]));
  const entries = entriesOf(spec);
  const order = epochOrder(entries.length, spec.shuffle);
  return {
    length: entries.length,
    fields: { data: { dtype: "image", shape: [] }, [BOXES]: { dtype: "image", shape: [] } },
    batches: (shard, from, epoch) => batches(entries, labels, order(epoch ?? 0), shard, from ?? 0),
    locate: (index, epoch) => {
      const { line, image } = entries[order(epoch ?? 0)(index)]!;
      return `${spec.list}:${line}: ${image}`;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function entriesOf({ list, root }: AnnotationListSpec): readonly Entry[] {
  const lines = readText(list).split("\n");
  checkAlloc(LINE_BYTES * lines.length, `a list of ${lines.length} lines`, list);
  const entries = lines.flatMap((text, i): Entry[] => {
    const [image = "", annotation = ""] = text.trim().split(/\s+(?=\S+$)/);
    return image === "" ? [] : [{ line: i + 1, image: root + image, annotation: annotation && root + annotation }];
  });
  if (entries.length === 0) throw new NetrunError("the list has no images", { file: list });
  return entries;
}

async function* batches(
  entries: readonly Entry[],
  labels: ReadonlyMap<string, number>,
  order: (index: number) => number,
  shard: Shard,
  from: number,
): AsyncGenerator<RecordBatch> {
  const { start, end } = shardRange(shard, entries.length);
  for (let at = start + from; at < end; at += FILES_AT_ONCE) {
    const length = Math.min(end - at, FILES_AT_ONCE);
    const rows = await Promise.all(Array.from({ length }, (_, i) => read(entries[order(at + i)]!, labels)));
    const failures = new Map(rows.flatMap((row, i) => (typeof row === "string" ? [[i, row] as const] : [])));
    const column = (of: "image" | "boxes") =>
      bytesColumn(length, (i) => {
        const row = rows[i]!;
        return typeof row === "string" ? new Uint8Array(0) : row[of];
      });
    const notes = failures.size > 0 ? { failures } : {};
    yield recordBatch({ data: column("image"), [BOXES]: column("boxes") }, length, {}, notes);
  }
}

/** An image and its packed boxes, or why there are none. */
async function read({ image, annotation }: Entry, labels: ReadonlyMap<string, number>) {
  if (annotation === "") return "not an image and an annotation";
  try {
    const boxes = packBoxes(byClass(boxesOfVoc(readText(annotation), labels)));
    return { image: await readImageFile(image), boxes };
  } catch (error) {
    if (error instanceof NetrunError) return [`${annotation}: ${error.message}`, ...(error.notes ?? [])].join("\n");
    return `there is no image: ${(error as Error).message}`;
  }
}

/** Boxes with those of a class one after another, in the order in which classes come first. */
function byClass(boxes: readonly Box[]): Box[] {
  const labels = [...new Set(boxes.map(({ label }) => label))];
  return labels.flatMap((label) =>
    boxes.filter((box) => box.label === label).map((box, instance) => ({ ...box, instance })),
  );
}

/** Text between the first tags of a name. */
const textIn = (xml: string, tag: string): string | undefined => {
  const start = xml.indexOf(`<${tag}>`);
  const end = start < 0 ? -1 : xml.indexOf(`</${tag}>`, start);
  return end < 0 ? undefined : xml.slice(start + tag.length + 2, end).trim();
};

function numberIn(xml: string, tag: string): number {
  const value = Number(textIn(xml, tag) || Number.NaN);
  if (Number.isFinite(value)) return value;
  throw new NetrunError(`no number in <${tag}>`);
}

/**
 * The boxes in an annotation of PASCAL VOC's form, as parts of the image. Throws a NetrunError for a size or corner that is none, and a
 * class that the label map does not have.
 */
export function boxesOfVoc(xml: string, labels: ReadonlyMap<string, number>): readonly Box[] {
  const size = textIn(xml, "size") ?? "";
  const [width, height] = [numberIn(size, "width"), numberIn(size, "height")];
  if (!(width > 0 && height > 0)) throw new NetrunError(`an image of ${width} x ${height} pixels`);
  return xml
    .split("<object>")
    .slice(1)
    .map((object): Box => {
      const name = textIn(object, "name") ?? "";
      const label = labels.get(name);
      if (label === undefined)
        throw new NetrunError(`the label map has no "${name}"`, {
          notes: [`it has ${[...labels.keys()].slice(0, 20).join(", ")}`],
        });
      const corners = textIn(object, "bndbox") ?? "";
      return {
        label,
        instance: 0,
        xmin: numberIn(corners, "xmin") / width,
        ymin: numberIn(corners, "ymin") / height,
        xmax: numberIn(corners, "xmax") / width,
        ymax: numberIn(corners, "ymax") / height,
        difficult: textIn(object, "difficult") === "1",
      };
    });
}
