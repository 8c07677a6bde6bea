import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { loadNet } from "../caffe/load.js";
import { sub } from "../caffe/message.js";
import type { LayerParameter, NetParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { dataOf, factsOf, isForeignData } from "../layers/index.js";

type Shapes = Map<string, readonly number[]>;

/** Shapes that a net implies for data that is not there. */
export interface ImpliedShapes {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Shapes of tops that nothing but the first one tells of: labels. */
  readonly others: ReadonlyMap<string, readonly number[]>;
  readonly notes: readonly string[];
}

/**
 * Shapes of a data layer's tops by what is known without its data: the sizes among its own parameters, those of the layer that
 * brings the same blob in another phase, or the inputs of the deploy net that stands beside the net's file (`path`).
 * `known` has shapes that are decided already. With `guesses` also those of well-known data sets that a path names.
 */
export function impliedShapes(
  layer: LayerParameter,
  net: NetParameter,
  path: string | undefined,
  known: ReadonlyMap<string, readonly number[]>,
  guesses = false,
): ImpliedShapes {
  const shapes: Shapes = new Map();
  const notes: string[] = [];
  const [data] = layer.top;
  if (data === undefined) return { shapes, others: new Map(), notes };
  const own = ofParameters(layer, layer);
  const twin = own ? undefined : twinOf(layer, net);
  const first = own ?? (twin && ofParameters(twin, layer));
  if (first && !known.has(data)) {
    shapes.set(data, first);
    const source = twin ? `, as layer "${twin.name}" of the other phase has it` : "";
    notes.push(`${data} is assumed to be [${first.join(", ")}], since its data is missing${source}`);
  }
  const open = layer.top.filter((top) => !shapes.has(top) && !known.has(top));
  if (open.length > 0 && !shapes.has(data)) ofDeployNet(open, path, shapes, notes, dataOf(layer)?.batchSize?.(layer));
  if (guesses && !shapes.has(data) && !known.has(data)) ofDataSet(layer, shapes, notes);
  const of = shapes.get(data) ?? known.get(data);
  const others: Shapes = new Map();
  for (const [top, shape] of of ? otherTops(layer, of) : []) if (!shapes.has(top)) others.set(top, shape);
  return { shapes, others, notes };
}

/** The tops of a data layer after the first, by its shape: rows as the parameters prescribe them, else as the type has them. */
export function otherTops(
  layer: LayerParameter,
  first: readonly number[],
): readonly (readonly [string, readonly number[]])[] {
  const data = dataOf(layer);
  const [, ...rows] = data?.rowShapes?.(layer) ?? [];
  return layer.top.slice(1).map((top, i) => {
    const [batch = 1] = first;
    return [top, rows[i] ? [batch, ...rows[i]] : (data?.otherTops?.(first, layer) ?? [batch])] as const;
  });
}

/** Images of the size that a layer's parameters tell, in the batches of another. */
function ofParameters(layer: LayerParameter, batches: LayerParameter): readonly number[] | undefined {
  const facts = dataOf(layer);
  const row = facts?.rowShapes?.(layer)[0] ?? facts?.image?.(layer);
  // Layers of netrun's own say 0 where they do not know; of others an image is the least.
  const rows = dataOf(batches)?.batchSize?.(batches) ?? 0;
  return row && [rows > 0 || !isForeignData(batches) ? rows : 1, ...row];
}

/** The layer of another phase that brings the same blob, if it says of what size. */
function twinOf({ top }: LayerParameter, net: NetParameter): LayerParameter | undefined {
  return net.layer.find(
    (other) => other.bottom.length === 0 && other.top[0] === top[0] && ofParameters(other, other) !== undefined,
  );
}

/** Images of well-known data sets, by a word in the paths that name them. */
const DATA_SETS = [
  // The two images of a pair are channels.
  [/mnist\w*siamese|siamese\w*mnist/i, "pairs of MNIST", [2, 28, 28]],
  [/mnist/i, "MNIST", [1, 28, 28]],
  [/cifar/i, "CIFAR", [3, 32, 32]],
  [/ilsvrc|imagenet/i, "ImageNet", [3, 256, 256]],
] as const;

/** Images of a data set that a database's path names, where they are not cropped. */
function ofDataSet(layer: LayerParameter, shapes: Shapes, notes: string[]): void {
  const { source } = sub(layer, "data_param");
  const found = DATA_SETS.find(([word]) => word.test(source));
  const rows = dataOf(layer)?.batchSize?.(layer) ?? 0;
  if (!found || dataOf(layer)?.origin !== "database") return;
  const [, name, image] = found;
  shapes.set(layer.top[0]!, [rows, ...image]);
  notes.push(
    `${layer.top[0]} is assumed to be [${[rows, ...image].join(", ")}], as images of ${name} are: source "${source}"`,
  );
}

/** Words by which the files of one net differ. */
const ROLES = /(stage\d|train|test|val|deploy|solver|inference|release|final|end2end|[-_+. ])+/gi;

/** Inputs of the same names in a net beside the file, which differs from its name in its role alone. */
function ofDeployNet(
  tops: readonly string[],
  path: string | undefined,
  shapes: Shapes,
  notes: string[],
  rows: number | undefined,
): void {
  if (path === undefined) return;
  const nameOf = (file: string) =>
    file
      .replace(/\.(prototxt|pt|txt)$/i, "")
      .replace(ROLES, " ")
      .trim();
  const own = basename(path);
  const files = readdirSync(dirname(path)).filter(
    (file) => file !== own && /\.(prototxt|pt)$/i.test(file) && nameOf(file) === nameOf(own),
  );
  for (const file of files) {
    const inputs = inputsOf(join(dirname(path), file));
    const found = tops.filter((top) => inputs.has(top) && !shapes.has(top));
    for (const top of found) {
      const [first, ...rest] = inputs.get(top)!;
      const shape = rest.length === 3 && rows ? [rows, ...rest] : [first!, ...rest];
      shapes.set(top, shape);
      notes.push(`${top} is assumed to be [${shape.join(", ")}], as ${file} beside it has it`);
    }
    if (found.length > 0) return;
  }
}

/** The inputs of a net by name; none where the file is no net. */
function inputsOf(path: string): ReadonlyMap<string, readonly number[]> {
  const inputs: Shapes = new Map();
  try {
    for (const layer of loadNet(path).message.layer) {
      const { input_param: param } = layer;
      if (factsOf(layer).data?.origin !== "input" || !param) continue;
      layer.top.forEach((top, i) => {
        const dims = (param.shape[i] ?? param.shape[0])?.dim.map(Number);
        if (dims && dims.length > 0) inputs.set(top, dims);
      });
    }
  } catch (error) {
    // A file beside the net that is wrong is none of its concern.
    if (!(error instanceof NetrunError)) throw error;
  }
  return inputs;
}
