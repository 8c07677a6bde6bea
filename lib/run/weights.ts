import { notesOnCounts, type StoredBlob, type StoredWeights } from "../caffe/stored.js";
import { readWeights } from "../caffe/weights.js";
import { NetrunError } from "../error.js";
import { count, sameShape } from "../graph/index.js";
import { checkFiller, fill } from "../layers/fillers.js";
import { type Layout, type Slot, view } from "../net/layout.js";
import { byFiller, type ParameterBlob } from "../net/parameters.js";
import { random } from "../random.js";
import { unknownFields } from "../text/notes.js";

/** A parameter blob of a net. `data` and `diff` are views: what is written there counts at the next run. Row-major. */
export interface Blob {
  readonly shape: readonly number[];
  readonly data: Float32Array;
  readonly diff: Float32Array;
}

/** All parameters of a net in one buffer, and where each lies in it. */
export interface FlatWeights {
  readonly layout: Layout;
  readonly data: Float32Array;
}

/** A parameter that weights do not have in the shape that a net needs. */
export interface Misfit {
  readonly parameter: ParameterBlob;
  /** The shape that the weights have. */
  readonly has: readonly number[];
}

/** The first parameter that weights have in another shape, or, where they are not in one piece, in another length. */
export function findMisfit(
  parameters: readonly ParameterBlob[],
  weights: FlatWeights | ReadonlyMap<string, Float32Array>,
): Misfit | undefined {
  for (const parameter of parameters) {
    const { key, spec } = parameter;
    if ("layout" in weights) {
      const has = weights.layout.slots.get(key)!.parameter.spec.shape;
      if (!sameShape(has, spec.shape)) return { parameter, has };
    } else {
      const { length } = weights.get(key)!;
      if (length !== count(spec.shape)) return { parameter, has: [length] };
    }
  }
  return undefined;
}

/** All parameters of a net in one buffer, and their gradients in another. */
export interface Weights extends FlatWeights {
  readonly diff: Float32Array;
}

/**
 * New weights, filled by the layers' fillers. The same seed gives the same weights. Layers of `stored`, whose blobs are copied in
 * later, are left at zeros: filling a large net takes seconds. Throws NetrunError for a filler that is wrong, of these layers too.
 */
export function createWeights(layout: Layout, seed: number, stored: readonly StoredWeights[] = []): Weights {
  const weights = { layout, data: allocate(layout.length), diff: allocate(layout.length) };
  const isStored = ({ users }: ParameterBlob) =>
    users.some(({ layer }) => stored.some((each) => each.get(layer)?.length));
  fillParameters(
    layout,
    seed,
    (parameter) => !isStored(parameter),
    ({ key }) => view(weights.data, layout.slots.get(key)!),
  );
  return weights;
}

/** New weights, copied from files, in order, and filled where no file has them. Throws as `readWeights` and `copyTrainedLayers`. */
export async function loadWeights(layout: Layout, seed: number, files: readonly string[]): Promise<Weights> {
  const stored: StoredWeights[] = [];
  for (const file of files) stored.push(await readWeights(file));
  const weights = createWeights(layout, seed, stored);
  for (const [i, file] of files.entries()) copyTrainedLayers(weights, stored[i]!, file);
  return weights;
}

/** The parameters of a layout that another one does not have, by key, filled as `createWeights` fills them. */
export function createMissing(layout: Layout, seed: number, other: Layout): ReadonlyMap<string, Float32Array> {
  const own = new Map<string, Float32Array>();
  const isMissing = ({ key }: ParameterBlob) => !other.slots.has(key);
  fillParameters(layout, seed, isMissing, ({ key, spec }) => {
    const values = allocate(count(spec.shape));
    own.set(key, values);
    return values;
  });
  return own;
}

/** Fills the parameters that are wanted, number i of the layout by the stream (seed, i), and checks the fillers of the others, but a fork's. */
function fillParameters(
  layout: Layout,
  seed: number,
  isWanted: (parameter: ParameterBlob) => boolean,
  roomOf: (parameter: ParameterBlob) => Float32Array,
): void {
  let i = 0;
  for (const { parameter } of layout.slots.values()) {
    const { shape } = parameter.spec;
    const stream = random(seed, i++);
    byFiller(parameter, (filler) => {
      if (isWanted(parameter)) fill(filler, shape, stream, roomOf(parameter));
      else if (unknownFields(filler).length === 0) checkFiller(filler, shape);
    });
  }
}

function allocate(length: number): Float32Array {
  try {
    return new Float32Array(length);
  } catch (cause) {
    throw new NetrunError(`there is no memory for ${length.toLocaleString("en-US")} parameters`, { cause });
  }
}

/**
 * The blobs of every layer that has some, by layer name; a shared blob is in each of its layers. `onRead` is called before an array of
 * values is handed out, which may be written from then on.
 */
export function blobsByLayer(
  { layout, data, diff }: Weights,
  onRead: (slot: Slot) => void = () => {},
): ReadonlyMap<string, readonly Blob[]> {
  const layers = new Map<string, Blob[]>();
  for (const slot of layout.slots.values()) {
    const values = view(data, slot);
    for (const { layer, index, shape } of slot.parameter.users) {
      const blobs = layers.get(layer) ?? [];
      blobs[index] = {
        shape,
        get data() {
          onRead(slot);
          return values;
        },
        diff: view(diff, slot),
      };
      layers.set(layer, blobs);
    }
  }
  return layers;
}

/**
 * Copies stored blobs into the layers of the same name, as Caffe's CopyTrainedLayersFrom: layers that only one side has are
 * left alone. Returns the names of the layers that were copied. Throws NetrunError, before anything is changed, if a layer's
 * number of blobs or a shape differs.
 */
export function copyTrainedLayers(weights: Weights, stored: StoredWeights, file: string): readonly string[] {
  const copies: (() => void)[] = [];
  const layers: string[] = [];
  for (const [layer, blobs] of blobsByLayer(weights)) {
    const source = stored.get(layer);
    if (!source || source.length === 0) continue;
    if (source.length !== blobs.length) {
      throw new NetrunError(
        `layer "${layer}" has ${blobs.length} parameter blobs in the net and ${source.length} in the file`,
        { file, notes: notesOnCounts(blobs.length, source.length) },
      );
    }
    blobs.forEach((blob, i) => {
      const from = source[i]!;
      if (!fits(from, blob.shape)) {
        throw new NetrunError(
          `parameter ${i} of layer "${layer}" is [${blob.shape}] in the net and [${from.shape}] in the file`,
          {
            file,
            notes: ["to train this layer from scratch, rename it in the prototxt; weights are matched by layer name"],
          },
        );
      }
      copies.push(() => blob.data.set(from.data));
    });
    layers.push(layer);
  }
  for (const copy of copies) copy();
  return layers;
}

function fits({ shape, legacy }: StoredBlob, wanted: readonly number[]): boolean {
  if (sameShape(shape, wanted)) return true;
  return (
    legacy === true && wanted.length < 4 && sameShape(shape, [...Array<number>(4 - wanted.length).fill(1), ...wanted])
  );
}
