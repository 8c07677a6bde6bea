import type { Net, Tensor } from "../../lib/api/net.js";
import type { LayerParameter } from "../../lib/caffe/messages.js";
import { count } from "../../lib/graph/index.js";

/**
 * Uniform numbers in [0, 1) from a tag and an index alone, by which the reference data's weights and inputs are known without being
 * stored: murmur3's finalizer over index * 2654435761 + fnv1a32(tag).
 */
export function hashed(tag: string, length: number, map: (u: number) => number): Float32Array {
  const base = fnv1a32(tag);
  const values = new Float32Array(length);
  // A loop: nets of 60 million weights are hashed, for which Float32Array.from takes ten times as long.
  for (let j = 0; j < length; j++) {
    let h = (Math.imul(j, 2654435761) + base) | 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    values[j] = map(((h ^ (h >>> 16)) >>> 0) / 2 ** 32);
  }
  return values;
}

function fnv1a32(tag: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(tag)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}

/** Fills all parameters of a net with the hashed values of the reference data. */
export function hashWeights(net: Net): void {
  const types = new Map(net.parameter.layer.map((layer: LayerParameter) => [layer.name, layer.type]));
  for (const [layer, blobs] of net.params) {
    blobs.forEach(({ shape, data }, i) => {
      data.set(hashed(`${layer}/${i}`, data.length, spreadOf(types.get(layer)!, i, shape)));
    });
  }
}

/** Conversion of hashed numbers in [0, 1) to a parameter's. */
export function spreadOf(type: string, index: number, shape: readonly number[]): (u: number) => number {
  if (type === "BatchNorm") {
    return [(u: number) => (2 * u - 1) * 0.1, (u: number) => 0.5 + u, () => 1][index]!;
  }
  if (type === "Scale" && index === 0) return (u) => 0.75 + 0.5 * u;
  if (type === "PReLU") return (u) => 0.1 + 0.2 * u;
  const scale = shape.length >= 2 ? Math.sqrt(6 / (count(shape) / shape[0]!)) : 0.05;
  return (u) => (2 * u - 1) * scale;
}

/** A hashed input blob: u - 0.5, or `map` of u. */
export const hashedInput = (blob: string, shape: readonly number[], map = (u: number) => u - 0.5): Tensor => ({
  shape,
  data: hashed(`input/${blob}`, count(shape), map),
});
