import { fill } from "../../layers/fillers.js";
import { random } from "../../random.js";
import type { Tensor } from "../tensor.js";
import { BatchFeed } from "./batch-feed.js";
import type { DummySpec, Feed } from "./feed-spec.js";

/** A feed of filled blobs. Throws a NetrunError where a filler is unknown or does not suit its shape. */
export function dummyFeed(spec: DummySpec): Feed {
  const make = (batch: number): Record<string, Tensor> => {
    const tensors: Record<string, Tensor> = {};
    for (const [i, { shape, filler }] of spec.blobs.entries()) {
      const top = spec.tops[i]!;
      const isConstant = filler.type === "constant";
      const draws = random(spec.seed, spec.shard.index, isConstant ? 0 : batch, i);
      tensors[top] = isConstant && first ? first[top]! : { shape, data: fill(filler, shape, draws) };
    }
    return tensors;
  };
  let first: Record<string, Tensor> | undefined;
  first = make(0);
  const shapes = Object.fromEntries(Object.entries(first).map(([top, { shape }]) => [top, shape]));
  return new BatchFeed({
    shapes,
    length: Number.POSITIVE_INFINITY,
    batchSize: spec.batchSize,
    prefetch: 1,
    make: async (batch) => make(batch),
  });
}
