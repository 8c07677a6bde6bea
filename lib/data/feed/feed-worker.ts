import { parentPort, workerData } from "node:worker_threads";
import type { LabelRanges } from "../../net/label-ranges.js";
import { packError, type WireError } from "../../wire-error.js";
import type { Tensor } from "../tensor.js";
import type { Feed, FeedSpec } from "./feed-spec.js";
import { openLocalFeed } from "./open-feed.js";

/** Requests of a ThreadedFeed to its thread, served in order. */
export type FeedRequest =
  | { readonly kind: "next" }
  | { readonly kind: "recycle"; readonly batch: Readonly<Record<string, Tensor>> }
  | { readonly kind: "restrict"; readonly ranges: LabelRanges }
  | { readonly kind: "seek"; readonly position: number }
  | { readonly kind: "close" };

/** The thread's answer to "next": a batch, or the reason why it has no batch. */
export type FeedReply =
  | {
      readonly kind: "batch";
      readonly tensors: Readonly<Record<string, Tensor>>;
      readonly end: number;
      readonly skipped: Feed["skipped"];
    }
  | { readonly kind: "failure"; readonly error: WireError };

/** Start message of the thread. */
interface Start {
  readonly spec: FeedSpec;
  readonly position: number;
  readonly ranges: LabelRanges;
}

async function openAt({ spec, position, ranges }: Start): Promise<Feed> {
  const feed = await openLocalFeed(spec, 1);
  feed.restrict(ranges);
  if (position > 0) await feed.seek(position);
  return feed;
}

async function next(feed: Promise<Feed>): Promise<FeedReply> {
  try {
    const opened = await feed;
    const tensors = await opened.next();
    return { kind: "batch", tensors, end: opened.position, skipped: opened.skipped };
  } catch (error) {
    return { kind: "failure", error: packError(error) };
  }
}

if (parentPort) {
  const port = parentPort;
  const feed = openAt(workerData as Start);
  // Reported by the first request.
  feed.catch(() => {});
  const serve = async (request: FeedRequest): Promise<void> => {
    if (request.kind === "next") {
      const reply = await next(feed);
      const buffers = reply.kind === "batch" ? Object.values(reply.tensors).map(({ data }) => data.buffer) : [];
      port.postMessage(reply, buffers as ArrayBuffer[]);
    } else if (request.kind === "recycle") (await feed).recycle(request.batch);
    else if (request.kind === "restrict") (await feed).restrict(request.ranges);
    else if (request.kind === "seek") await (await feed).seek(request.position);
    else {
      await feed.then(
        (opened) => opened[Symbol.asyncDispose](),
        () => {},
      );
      port.close();
    }
  };
  let done = Promise.resolve();
  port.on("message", (request: FeedRequest) => {
    done = done.then(() => serve(request)).catch(() => {});
  });
}
