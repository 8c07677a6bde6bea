import { openFeed } from "./feed.js";
import type { FeedSpec } from "./feed-spec.js";

/**
 * Number of usable records of a source: all are read and decoded once. Throws a NetrunError where the source cannot be opened,
 * none can be used, or a bad one is not to be skipped.
 */
export async function usableRecords(spec: FeedSpec): Promise<number> {
  if (spec.kind === "dummy") return Number.POSITIVE_INFINITY;
  await using feed = await openFeed({ ...spec, batchSize: 1 });
  for (let count = 0; ; count++) {
    feed.recycle(await feed.next());
    // Behind the last record, its position says that those between were skipped.
    if (feed.position >= feed.length) return feed.position === feed.length ? count + 1 : count;
  }
}
