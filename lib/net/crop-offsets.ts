import type { LayerParameter } from "../caffe/messages.js";
import type { NetrunError } from "../error.js";
import { factsOf, type SlidingWindow } from "../layers/index.js";
import { spanOf } from "../text/notes.js";
import { layerError } from "./checks.js";

type Pair = readonly [height: number, width: number];

/** Places of a blob's entries in another blob's: entry i lies at scale * i + shift. */
interface Alignment {
  readonly of: string;
  readonly scale: Pair;
  readonly shift: Pair;
}

const each = (of: (axis: 0 | 1) => number): Pair => [of(0), of(1)];

/**
 * Warnings of Crop layers without offsets between blobs whose entries lie elsewhere. Caffe crops from the corner; the fork that FCN and
 * HED first used followed the layers to the offset that aligns both blobs, which the warning gives.
 */
export function cropWarnings(layers: readonly LayerParameter[]): readonly NetrunError[] {
  const places = new Map<string, Alignment | undefined>();
  return layers.flatMap((layer) => {
    const warning = cropWarning(layer, places);
    const next = alignmentOf(layer, places);
    for (const top of layer.top) places.set(top, next ?? { of: top, scale: [1, 1], shift: [0, 0] });
    return warning ? [warning] : [];
  });
}

function cropWarning(layer: LayerParameter, places: ReadonlyMap<string, Alignment | undefined>) {
  const offset = implied(layer, places);
  if (!offset || factsOf(layer).crops!(layer).offset || offset.every((side) => side === 0)) return undefined;
  const what = `without offsets the part begins at the corner, as in Caffe; "${layer.bottom[1]}" lies ${offset.join(" and ")} entries further in "${layer.bottom[0]}"`;
  return layerError(layer, what, spanOf(layer, "type") ?? spanOf(layer), [
    "older forks, of FCN and HED, computed the offset from the layers between",
    `where this net is theirs, write crop_param { axis: 2 offset: ${offset[0]} offset: ${offset[1]} }`,
  ]);
}

/** The offset that aligns the bottoms of a layer that crops, where both come from one blob in steps of one size. */
function implied(layer: LayerParameter, places: ReadonlyMap<string, Alignment | undefined>): Pair | undefined {
  const [from, to] = layer.bottom.map((name) => places.get(name) ?? { of: name, scale: [1, 1], shift: [0, 0] });
  if (!factsOf(layer).crops || !from || !to || from.of !== to.of) return undefined;
  const [a, b] = [from as Alignment, to as Alignment];
  if ([0, 1].some((axis) => Math.abs(a.scale[axis as 0 | 1] - b.scale[axis as 0 | 1]) > 1e-6)) return undefined;
  // 0 and -0 are one offset.
  return each((axis) => Math.round((b.shift[axis] - a.shift[axis]) / a.scale[axis]) + 0);
}

/** The places of a layer's tops, by those of its first bottom; undefined where they are other places. */
function alignmentOf(layer: LayerParameter, places: ReadonlyMap<string, Alignment | undefined>): Alignment | undefined {
  const name = layer.bottom[0];
  if (name === undefined) return undefined;
  const bottom = places.get(name) ?? { of: name, scale: [1, 1] as const, shift: [0, 0] as const };
  const { sees, spreads, crops } = factsOf(layer);
  if (crops) {
    const offset = crops(layer).offset ?? [0, 0];
    return { ...bottom, shift: each((axis) => bottom.shift[axis] + bottom.scale[axis] * offset[axis]) };
  }
  const spread = spreads?.(layer);
  if (spread) {
    const scale = each((axis) => bottom.scale[axis] / spread.stride[axis]);
    return { ...bottom, scale, shift: each((axis) => bottom.shift[axis] - scale[axis] * centre(spread, axis)) };
  }
  if (sees === "place") return bottom;
  const window = sees?.(layer);
  if (!window) return undefined;
  return {
    ...bottom,
    scale: each((axis) => bottom.scale[axis] * window.stride[axis]),
    shift: each((axis) => bottom.shift[axis] + bottom.scale[axis] * centre(window, axis)),
  };
}

/** The middle of the first window. */
const centre = ({ kernel, pad = [0, 0] }: SlidingWindow, axis: 0 | 1) => (kernel[axis] - 1) / 2 - pad[axis];
