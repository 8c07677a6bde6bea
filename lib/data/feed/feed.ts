import type { Feed, FeedSpec } from "./feed-spec.js";
import { openLocalFeed } from "./open-feed.js";
import { ThreadedFeed } from "./threaded-feed.js";

export type { Feed, FeedSpec } from "./feed-spec.js";
export { type FeedOptions, feedSpec, hasFeed, sourceFeedSpec } from "./layer.js";

/**
 * Opens a feed and reads its first record. Decoding and transforming soon run in a thread of their own, unless there is
 * nothing to them. Throws a NetrunError where the data is missing, empty or does not fit.
 */
export async function openFeed(spec: FeedSpec): Promise<Feed> {
  const local = await openLocalFeed(spec, 1);
  return spec.kind === "dummy" ? local : new ThreadedFeed(spec, local);
}
