import type { LayerParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { view } from "../net/layout.js";
import { spanOf } from "../text/notes.js";
import type { Weights } from "./weights.js";

/** A note on the upsampling that programs fill. */
const UPSAMPLING =
  'upsampling, which programs of FCN and HED fill: weight_filler { type: "bilinear" }, with group: N for N channels, does it';

/**
 * Warnings of weights that are 0 and will stay so: of layers with lr_mult 0, whose tops are constants, and of layers that get nothing but 0 from others
 * of this kind, so that no gradient comes to either. Published nets leave fillers out where a program fills the weights (the upsampling of FCN and
 * HED) or a file is given; without them such a net trains nothing, with a loss that stands still. `layers` are the train net's, in order.
 */
export function deadWeightWarnings(layers: readonly LayerParameter[], weights: Weights): readonly NetrunError[] {
  const empty = emptyLayers(weights);
  const zeros = new Set<string>();
  const silent = silenced(layers);
  const frozen: LayerParameter[] = [];
  const unreached: LayerParameter[] = [];
  for (const layer of layers) {
    const isFed = layer.bottom.length === 0 || layer.bottom.some((name) => !zeros.has(name));
    const own = empty.get(layer.name);
    if (silent.has(layer)) {
      // Stages of training that share a weights file carry the others' layers along (Faster R-CNN by turns).
    } else if (own === "frozen") frozen.push(layer);
    else if (own && !isFed) unreached.push(layer);
    for (const top of layer.top) {
      if (own !== undefined || !isFed) zeros.add(top);
      else zeros.delete(top);
    }
  }
  return [
    ...frozen.map((layer) =>
      warning([layer], "its weights are 0 and not trained (lr_mult 0), so that its top is a constant", [
        ...(layer.convolution_param ? [UPSAMPLING] : []),
        "--weights FILE gives weights for it",
      ]),
    ),
    ...(unreached.length > 0
      ? [
          warning(unreached, "weights are 0 and so is what they get, so that they are not trained", [
            "they have no weight_filler: give one, or --weights FILE to start from",
          ]),
        ]
      : []),
  ];
}

/** Layers by name whose weights, a blob of two axes or more with a blob of one axis for the bias, are all 0. */
/** The layers whose tops go to layers without tops, which swallow them, and nowhere else. */
function silenced(layers: readonly LayerParameter[]): ReadonlySet<LayerParameter> {
  const found = new Set<LayerParameter>();
  const [read, used] = [new Set<string>(), new Set<string>()];
  for (const layer of layers.toReversed()) {
    const isUsed = layer.top.some((top) => used.has(top) || !read.has(top));
    if (!isUsed) found.add(layer);
    for (const name of layer.bottom) {
      read.add(name);
      if (isUsed) used.add(name);
    }
  }
  return found;
}

function emptyLayers({ layout, data }: Weights): ReadonlyMap<string, "frozen" | "trained"> {
  const found = new Map<string, "frozen" | "trained">();
  const filled = new Set<string>();
  for (const slot of layout.slots.values()) {
    const { users, index, spec, lrMult } = slot.parameter;
    if (spec.state) continue;
    const isZero = view(data, slot).every((value) => value === 0);
    for (const { layer } of users) {
      if (!isZero) filled.add(layer);
      else if (index === 0 && spec.shape.length > 1) found.set(layer, lrMult === 0 ? "frozen" : "trained");
    }
  }
  for (const layer of filled) found.delete(layer);
  return found;
}

function warning(layers: readonly LayerParameter[], what: string, notes: readonly string[]): NetrunError {
  const [first] = layers as [LayerParameter, ...LayerParameter[]];
  const others = layers.length > 1 ? ` and ${layers.length - 1} more` : "";
  return new NetrunError(`layer "${first.name}"${others}: ${what}`, {
    span: spanOf(first, "name") ?? spanOf(first),
    notes,
  });
}
