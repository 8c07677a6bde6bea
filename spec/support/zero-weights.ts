import { loadNet } from "../../lib/caffe/load.js";
import type { StoredBlob } from "../../lib/caffe/stored.js";
import { inferenceNet } from "../../lib/convert/net.js";
import { count } from "../../lib/graph/index.js";
import { lower } from "../../lib/net/lower.js";

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Weights for every layer of a net's inference form, all views of the same zeros: converting needs them, looking at the graph does not. */
export function zeroWeights(path: string, shapes: Shapes = {}): ReadonlyMap<string, readonly StoredBlob[]> {
  const net = inferenceNet(loadNet(path).message, { shapes });
  const { parameters } = lower(net.layers, { phase: "TEST", shapes: net.shapes });
  const zeros = new Float32Array(Math.max(0, ...parameters.map(({ spec }) => count(spec.shape))));
  const blobs = new Map<string, StoredBlob[]>();
  for (const { layer, index, spec } of parameters) {
    const list = blobs.get(layer) ?? [];
    list[index] = { shape: spec.shape, data: zeros.subarray(0, count(spec.shape)) };
    blobs.set(layer, list);
  }
  return blobs;
}
