import { findPath, requirePath } from "../caffe/files.js";
import { sub } from "../caffe/message.js";
import type { LayerParameter } from "../caffe/messages.js";
import { feedSpec, openFeed } from "../data/feed/feed.js";
import { NetrunError } from "../error.js";
import type { layerTypes, Phase } from "../layers/index.js";

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

/** Layers whose tops only their data tells. */
const READERS: readonly string[] = [
  "Data",
  "ImageData",
  "HDF5Data",
  "WindowData",
] satisfies (keyof typeof layerTypes)[];

/** The shapes of the tops of data layers: given, read from the data where it is there, or assumed from crop_size. */
export async function dataShapes(layers: readonly LayerParameter[], options: ShapeOptions): Promise<DataShapes> {
  const shapes = new Map(options.given);
  const notes: string[] = [];
  const unknown: string[] = [];
  for (const layer of layers) {
    const tops = layer.top.filter((top) => !shapes.has(top));
    const needsData = READERS.includes(layer.type) || (fedFromOutside(layer) && tops.length > 0);
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

/** Input layers may leave their shape to the program that feeds them. */
function fedFromOutside(layer: LayerParameter): boolean {
  return layer.type === "Input" && sub(layer, "input_param").shape.length === 0;
}

type TopShapes = Readonly<Record<string, readonly number[]>>;

async function readShapes(layer: LayerParameter, { phase, baseDir }: ShapeOptions): Promise<TopShapes | undefined> {
  if (!READERS.includes(layer.type)) return undefined;
  try {
    // A mean file that is not there matters to training; to shapes it does not.
    const paths = (path: string) => (findPath(path, baseDir) ? requirePath(path, { baseDir }) : path);
    const feed = await openFeed(feedSpec(layer, { phase, seed: 1, paths }));
    const { shapes } = feed;
    await feed[Symbol.asyncDispose]();
    return shapes;
  } catch (error) {
    if (error instanceof NetrunError) return undefined;
    throw error;
  }
}

/** Colour images of crop_size, or of the size that images are resized to, and a number for each as label. */
function assume(layer: LayerParameter, notes: string[]): TopShapes {
  const { crop_size, force_gray } = sub(layer, "transform_param");
  const image = sub(layer, "image_data_param");
  const isList = layer.type === "ImageData";
  const [height, width] =
    crop_size > 0 ? [crop_size, crop_size] : isList ? [image.new_height, image.new_width] : [0, 0];
  const batch = { Data: "data_param", ImageData: "image_data_param", WindowData: "window_data_param" } as const;
  const field = batch[layer.type as keyof typeof batch];
  const [data, label] = layer.top;
  if (!field || height === 0 || width === 0 || data === undefined) return {};
  const { batch_size } = sub(layer, field);
  const channels = force_gray || (isList && !image.is_color) ? 1 : 3;
  const shape = [batch_size, channels, height, width];
  notes.push(`${data} is assumed to be [${shape.join(", ")}], since its data is not here`);
  return { [data]: shape, ...(label !== undefined && { [label]: [batch_size] }) };
}
