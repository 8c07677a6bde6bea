import { Lifetime } from "../../lifetime.js";
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
  return guarded(spec.kind === "dummy" ? local : new ThreadedFeed(spec, local));
}

/** A feed whose calls are made one after the other, and refused once it is disposed. */
function guarded(feed: Feed): Feed {
  const life = new Lifetime("feed");
  return {
    shapes: feed.shapes,
    length: feed.length,
    get position() {
      return feed.position;
    },
    get skipped() {
      return feed.skipped;
    },
    restrict(ranges) {
      life.check();
      feed.restrict(ranges);
    },
    sendBytes() {
      life.check();
      return feed.sendBytes?.();
    },
    check: () => life.run(() => feed.check()),
    next: () => life.run(() => feed.next()),
    // A run that ends as its feed does hands back what it has.
    recycle: (batch) => feed.recycle(batch),
    seek: (position) => life.run(() => feed.seek(position)),
    [Symbol.asyncDispose]: () => life.end(async () => feed[Symbol.asyncDispose]()),
  };
}
