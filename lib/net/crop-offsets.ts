import { amend } from "../caffe/message.js";
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
 * The layers, with the offsets that Crop layers had in the fork of Caffe that FCN and HED first used: none of its Crop layers has
 * crop_param, and each begins where the second bottom's first entry lies in the first. A net with crop_param in any, or with bottoms
 * that the fork refuses to crop, is Caffe's, which crops from the corner. Source: longjon/caffe, crop_layer.cpp.
 */
export function alignedCrops(layers: readonly LayerParameter[]): readonly LayerParameter[] {
  const crops = layers.filter((layer) => factsOf(layer).crops);
  if (crops.length === 0 || crops.some(({ crop_param: param }) => param)) return layers;
  const places = new Map<string, Alignment | undefined>();
  const aligned: LayerParameter[] = [];
  for (const layer of layers) {
    let own = layer;
    if (factsOf(layer).crops) {
      const offset = implied(layer, places);
      if (!offset) return layers;
      if (offset.some((side) => side > 0)) own = amend(layer, { crop_param: { axis: 2, offset: [...offset] } });
    }
    aligned.push(own);
    const next = alignmentOf(own, places);
    for (const top of layer.top) places.set(top, next ?? { of: top, scale: [1, 1], shift: [0, 0] });
  }
  return aligned;
}

/** Warnings of Crop layers that begin elsewhere than Caffe's would. */
export function cropWarnings(layers: readonly LayerParameter[]): readonly NetrunError[] {
  return alignedCrops(layers).flatMap((aligned, i) => {
    const layer = layers[i]!;
    if (aligned === layer) return [];
    const { offset } = aligned.crop_param!;
    const what = `without crop_param the part begins ${offset.join(" and ")} entries further in, where "${layer.bottom[1]}" lies in "${layer.bottom[0]}"`;
    return layerError(layer, what, spanOf(layer, "type") ?? spanOf(layer), [
      "as in the forks of FCN and HED, which have no crop_param; Caffe would take the corner",
      `write crop_param { axis: 2 offset: ${offset[0]} offset: ${offset[1]} } for the same in both, or crop_param { offset: 0 } for the corner`,
    ]);
  });
}

/** The offset that aligns the bottoms of a layer that crops, where both come from one blob in steps of one size, and it is whole and not negative. */
function implied(layer: LayerParameter, places: ReadonlyMap<string, Alignment | undefined>): Pair | undefined {
  const [from, to] = layer.bottom.map((name) => places.get(name) ?? { of: name, scale: [1, 1], shift: [0, 0] });
  if (!factsOf(layer).crops || !from || !to || from.of !== to.of) return undefined;
  const [a, b] = [from as Alignment, to as Alignment];
  if ([0, 1].some((axis) => Math.abs(a.scale[axis as 0 | 1] - b.scale[axis as 0 | 1]) > 1e-6)) return undefined;
  const offset = each((axis) => (b.shift[axis] - a.shift[axis]) / a.scale[axis]);
  const whole = offset.map(Math.round);
  if (whole.some((side, axis) => side < 0 || Math.abs(side - offset[axis as 0 | 1]) > 1e-6)) return undefined;
  // 0 and -0 are one offset.
  return each((axis) => whole[axis]! + 0);
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
