import { type Tiles, tilesPng } from "../data/image/tiles.js";
import type { Tensor } from "../data/tensor.js";
import { NetrunError } from "../error.js";
import { beliefSamples, reconstructions, type StackedLayer } from "../layers/pretrained-stack.js";

/** Images of each kind, in one line. */
const IMAGES = 16;
/** Steps of Gibbs sampling before a sample is shown. */
const STEPS = 200;
/** First-layer weights that are shown. */
const FILTERS = 64;

/**
 * A PNG of a pretrained stack: a line of images of its data, a line of their reconstructions, a line of samples where it consists of RBMs, and
 * lines of the first layer's weights. Throws NetrunError where the data is no images.
 */
export async function pretrainPicture(stack: readonly StackedLayer[], data: Tensor, seed = 1): Promise<Uint8Array> {
  const [first] = stack as [StackedLayer];
  const shape = data.shape.slice(1);
  const size = shape.reduce((a, b) => a * b, 1);
  if (shape.length !== 3)
    throw new NetrunError(`the data [${data.shape}] does not consist of images: no picture can be drawn`);
  const rows = Array.from({ length: Math.min(IMAGES, data.shape[0]!) }, (_, i) =>
    data.data.subarray(i * size, (i + 1) * size),
  );
  const range = first.visibleUnits === "binary" ? ([0, 1] as const) : undefined;
  const filters = Array.from({ length: Math.min(FILTERS, first.hiddenBias.length) }, (_, i) =>
    first.weights.subarray(i * size, (i + 1) * size),
  );
  const isBelief = stack.every(({ method }) => method === "rbm");
  const groups: readonly Tiles[] = [
    { images: rows, range },
    { images: reconstructions(stack, rows), range },
    ...(isBelief ? [{ images: beliefSamples(stack, rows, STEPS, seed), range }] : []),
    { images: filters },
  ];
  return tilesPng(groups, shape, { columns: IMAGES });
}
