import type { FeedSpec } from "../data/feed/feed.js";
import { WHOLE } from "../data/source/source.js";
import { NetrunError } from "../error.js";
import { onDeviceOf } from "../onnx/device.js";
import type { TrainingPlan } from "../run/plan.js";
import type { ReplicaPlan } from "./replica.js";

/** True if each replica takes whole batches (weak), so that K replicas see K times the rows, or a K-th of each (strong). */
export type BatchScaling = "weak" | "strong";

/**
 * The plan of replica `index` of `count`: its part of the training data, its own random numbers and its GPU. Test data stays whole.
 * Throws NetrunError where a batch cannot be divided.
 */
export function shardPlan(plan: TrainingPlan, index: number, count: number, scaling: BatchScaling): ReplicaPlan {
  const feeds = plan.train.feeds.map((feed) =>
    scaling === "strong" ? sharing(feed, index, count) : { ...feed, shard: { index, count } },
  );
  return { ...plan, train: { ...plan.train, feeds }, session: onDeviceOf(plan.session, index), replica: index };
}

/** A feed of a share of every batch: replicas together take the records that one would, in the same batches. */
function sharing(feed: FeedSpec, index: number, count: number): FeedSpec {
  const batchSize = share(feed, count);
  // Windows are drawn at random: there is no batch that all could take their share of.
  if (feed.kind !== "records") return { ...feed, batchSize, shard: { index, count } };
  return { ...feed, batchSize, shard: WHOLE, every: count, offset: index * batchSize };
}

function share({ batchSize, kind, tops }: FeedSpec, count: number): number {
  if (kind === "dummy" && count > 1) {
    throw new NetrunError(`the blobs "${tops.join('", "')}" of a DummyData layer have no batch that could be divided`, {
      notes: ["use --batch-scaling weak"],
    });
  }
  if (batchSize % count === 0) return batchSize / count;
  throw new NetrunError(`a batch of ${batchSize} cannot be divided among ${count} workers`, {
    notes: [`with --batch-scaling strong the batch_size must be a multiple of the number of workers`],
  });
}
