import { loadNet } from "../../lib/caffe/load.js";
import type { StoredBlob } from "../../lib/caffe/stored.js";
import { inferenceNet } from "../../lib/convert/net.js";
import { count } from "../../lib/graph/index.js";
import { lower } from "../../lib/net/lower.js";
import { hashed, spreadOf } from "./hashed.js";

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Weights for every layer of a net's inference form. */
export interface AnyWeights {
  readonly weights: ReadonlyMap<string, readonly StoredBlob[]>;
  /** True if they are the reference data's hashed values. */
  readonly hashed: boolean;
}

/** Nets with more parameters get zeros, all views of the same ones: hashing them would take minutes. */
const MOST_HASHED = 8e7;

/** The reference data's hashed weights for a net's inference form; for very large nets zeros, enough to look at the graph. */
export function anyWeights(path: string, shapes: Shapes = {}): AnyWeights {
  const net = inferenceNet(loadNet(path).message, { shapes });
  const types = new Map(net.layers.map(({ name, type }) => [name, type]));
  const { parameters } = lower(net.layers, { phase: "TEST", shapes: net.shapes });
  const sizes = parameters.map(({ spec }) => count(spec.shape));
  const isHashed = sizes.reduce((a, b) => a + b, 0) <= MOST_HASHED;
  const zeros = new Float32Array(isHashed ? 0 : Math.max(...sizes));
  const blobs = new Map<string, StoredBlob[]>();
  for (const { layer, index, spec } of parameters) {
    const list = blobs.get(layer) ?? [];
    const length = count(spec.shape);
    const spread = spreadOf(types.get(layer)!, index, spec.shape);
    const data = isHashed ? hashed(`${layer}/${index}`, length, spread) : zeros.subarray(0, length);
    list[index] = { shape: spec.shape, data };
    blobs.set(layer, list);
  }
  return { weights: blobs, hashed: isHashed };
}
