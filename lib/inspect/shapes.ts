import { findPath, requirePath } from "../caffe/files.js";
import type { LayerParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { dataOf, type Phase, takesData } from "../layers/index.js";

/** The shapes of blobs by name. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** What data layers bring, as far as it can be known. */
export interface DataShapes {
  readonly shapes: Shapes;
  /** What was assumed, and what is missing, in words. */
  readonly notes: readonly string[];
  /** Tops without a shape. */
  readonly unknown: readonly string[];
}

/** How to look for shapes. */
export interface ShapeOptions {
  readonly phase: Phase;
  readonly baseDir: string;
  /** Shapes that the user gives. */
  readonly given: Shapes;
}

/** The shapes of the tops of data layers: given, read from the data where it is there, or assumed from crop_size. */
export async function dataShapes(layers: readonly LayerParameter[], options: ShapeOptions): Promise<DataShapes> {
  const shapes = new Map(options.given);
  const notes: string[] = [];
  const unknown: string[] = [];
  for (const layer of layers) {
    const tops = layer.top.filter((top) => !shapes.has(top));
    const needsData = (await readsRecords(layer)) || leavesOpen(layer, tops);
    if (!needsData || tops.length === 0) continue;
    const found = (await readShapes(layer, options)) ?? assume(layer, notes);
    for (const top of tops) {
      const shape = found[top];
      if (shape) shapes.set(top, shape);
      else unknown.push(top);
    }
  }
  if (unknown.length > 0)
    notes.push(
      `shapes are not known without the data: --shape ${unknown.map((top) => `${top}=${top === "label" ? "N" : "N,C,H,W"}`).join(" --shape ")}`,
    );
  return { shapes, notes, unknown };
}

/** Readers of data are half of netrun's code: nets without data do without it. */
const readers = () => import("../data/feed/feed.js");

/** Whether a layer fills its tops with records that netrun reads. */
async function readsRecords(layer: LayerParameter): Promise<boolean> {
  if (!takesData(layer) || dataOf(layer)?.origin === "input") return false;
  return (await readers()).hasFeed(layer);
}

/** Input layers may leave their shape to the program that feeds them. */
function leavesOpen(layer: LayerParameter, tops: readonly string[]): boolean {
  const data = dataOf(layer);
  const shapes = data?.rowShapes?.(layer) ?? [];
  return data?.origin === "input" && tops.length > 0 && shapes.every((shape) => shape === undefined);
}

type TopShapes = Readonly<Record<string, readonly number[]>>;

async function readShapes(layer: LayerParameter, { phase, baseDir }: ShapeOptions): Promise<TopShapes | undefined> {
  if (!(await readsRecords(layer))) return undefined;
  try {
    // A mean file that is not there matters to training; to shapes it does not.
    const paths = (path: string) => (findPath(path, baseDir) ? requirePath(path, { baseDir }) : path);
    const { feedSpec, openFeed } = await readers();
    const feed = await openFeed(feedSpec(layer, { phase, seed: 1, paths }));
    const { shapes } = feed;
    await feed[Symbol.asyncDispose]();
    return shapes;
  } catch (error) {
    if (error instanceof NetrunError) return undefined;
    throw error;
  }
}

/** Images of the size that the layer's parameters tell, and a number for each as label. */
function assume(layer: LayerParameter, notes: string[]): TopShapes {
  const facts = dataOf(layer);
  const image = facts?.image?.(layer);
  const [data, label] = layer.top;
  if (!image || data === undefined) return {};
  const rows = facts?.batchSize?.(layer) ?? 0;
  const shape = [rows, ...image];
  notes.push(`${data} is assumed to be [${shape.join(", ")}], since its data is not here`);
  return { [data]: shape, ...(label !== undefined && { [label]: [rows] }) };
}
