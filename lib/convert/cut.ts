import type { LayerParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { registeredTypes } from "../layers/index.js";
import { lower } from "../net/lower.js";
import type { InferenceNet } from "./net.js";

/**
 * The layers of a net that the outputs need which are asked for, all where none are, and without those that netrun does not have and what is
 * computed from them, where these outputs need neither. Throws the error of the first layer that is missing where one does, or where no outputs are named.
 */
export function cutBefore(
  { layers: all, shapes }: InferenceNet,
  outputs: readonly string[] | undefined,
): readonly LayerParameter[] {
  const layers = neededBy(outputs ?? [], all);
  const missing = new Map<LayerParameter, NetrunError>();
  const onUnsupported = (layer: LayerParameter, error: NetrunError) => missing.set(layer, error);
  lower(layers, { phase: "TEST", types: registeredTypes(), shapes, onUnsupported });
  const [first] = missing.values();
  if (!first) return layers;
  const lost = new Set<string>();
  const kept = layers.filter((layer) => {
    const isKept = !missing.has(layer) && !layer.bottom.some((blob) => lost.has(blob));
    if (!isKept) for (const blob of layer.top) lost.add(blob);
    return isKept;
  });
  const made = kept.flatMap(({ top }) => top).filter((blob) => !lost.has(blob));
  if (outputs && outputs.length > 0 && outputs.every((blob) => !lost.has(blob))) return kept;
  const last = made.at(-1);
  throw new NetrunError(first.message, {
    span: first.span,
    notes: [...first.notes, ...(last ? [`--outputs A,B converts the net before it: blobs such as "${last}"`] : [])],
    unsupported: true,
  });
}

/**
 * The layers that outputs need: others may read what nobody gives in inference, such as a label whose shape is not known. All layers where
 * no outputs are named, or one that no layer makes.
 */
function neededBy(outputs: readonly string[], layers: readonly LayerParameter[]): readonly LayerParameter[] {
  const made = new Set(layers.flatMap(({ top }) => top));
  if (outputs.length === 0 || !outputs.every((blob) => made.has(blob))) return layers;
  const needed = new Set(outputs);
  const kept = layers.toReversed().filter(({ top, bottom }) => {
    const isNeeded = top.some((blob) => needed.has(blob));
    if (isNeeded) for (const blob of bottom) needed.add(blob);
    return isNeeded;
  });
  return kept.toReversed();
}
