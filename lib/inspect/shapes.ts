import { findPath, requirePath } from "../caffe/files.js";
import type { LayerParameter, NetParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { dataOf, isForeignData, type PhaseName, takesData } from "../layers/index.js";
import { impliedShapes } from "../net/implied-shapes.js";
import type { Shapes } from "../run/program.js";

/** Tops of data layers, as far as it can be known. */
export interface DataShapes {
  readonly shapes: Shapes;
  /** Those among them that are assumed. */
  readonly assumed: ReadonlySet<string>;
  /** Shapes of further tops, where the layers that read them imply no others. */
  readonly fallback: Shapes;
  /** Assumptions, in words. */
  readonly notes: readonly string[];
}

/** Options of inferring shapes. */
export interface ShapeOptions {
  readonly phase: PhaseName;
  readonly baseDir: string;
  /** Shapes that the user gives. */
  readonly given: Shapes;
  /** The net with the layers of all phases, one of which may say what another leaves open. */
  readonly net: NetParameter;
  /** The net's file, beside which there may be a deploy net. */
  readonly path: string | undefined;
}

/** The shapes of the tops of data layers: given, read from the data where it is there, or implied by what the net says. */
export async function dataShapes(layers: readonly LayerParameter[], options: ShapeOptions): Promise<DataShapes> {
  const shapes = new Map(options.given);
  const assumed = new Set<string>();
  const fallback = new Map<string, readonly number[]>();
  const notes: string[] = [];
  for (const layer of layers) {
    const tops = layer.top.filter((top) => !shapes.has(top));
    const needsData = (await readsRecords(layer)) || leavesOpen(layer, tops);
    if (!needsData || tops.length === 0) continue;
    const read = await readShapes(layer, options);
    const implied = read ? undefined : impliedShapes(layer, options.net, options.path, shapes, true);
    for (const top of tops) {
      const shape = read?.[top] ?? implied?.shapes.get(top);
      if (shape) shapes.set(top, shape);
      if (shape && !read?.[top]) assumed.add(top);
    }
    for (const [top, shape] of implied?.others ?? []) if (!shapes.has(top)) fallback.set(top, shape);
    for (const note of implied?.notes ?? []) notes.push(note);
  }
  return { shapes, assumed, fallback, notes };
}

/** Readers of data are half of netrun's code: nets without data do without it. */
const readers = () => import("../data/feed/feed.js");

/** Tests whether a layer fills its tops with records that netrun reads. */
async function readsRecords(layer: LayerParameter): Promise<boolean> {
  if (!takesData(layer) || dataOf(layer)?.origin === "input") return false;
  return (await readers()).hasFeed(layer);
}

/** Input layers may leave their shape to the program that feeds them, and of layers that are not netrun's no more is known. */
function leavesOpen(layer: LayerParameter, tops: readonly string[]): boolean {
  if (isForeignData(layer)) return true;
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
