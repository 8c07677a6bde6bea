import { readBytes } from "../../caffe/files.js";
import { decodeMean, type Mean } from "../../caffe/mean.js";
import { NetrunError } from "../../error.js";
import { openRecords } from "../source/open.js";
import { dummyFeed } from "./dummy-feed.js";
import type { Feed, FeedSpec } from "./feed-spec.js";
import { RecordsFeed } from "./records-feed.js";
import type { TransformSpec } from "./transform.js";
import { windowFeed } from "./windows-feed.js";

/**
 * Opens a feed that works in the calling thread and prepares up to `prefetch` batches ahead. Throws a NetrunError where the
 * data is missing, empty or does not fit.
 */
export async function openLocalFeed(spec: FeedSpec, prefetch: number): Promise<Feed> {
  switch (spec.kind) {
    case "records":
      return RecordsFeed.open(spec, await openRecords(spec.source), meanOf(spec.transform), prefetch);
    case "dummy":
      return dummyFeed(spec);
    case "windows":
      return windowFeed(spec, meanOf(spec.transform), prefetch);
  }
}

function meanOf({ meanFile }: TransformSpec): Mean | undefined {
  return meanFile === undefined ? undefined : readMean(meanFile);
}

/** Reads a mean image (`mean.binaryproto`, a BlobProto [1, channels, height, width]); throws a NetrunError. */
export function readMean(path: string): Mean {
  return decodeMean(meanBytes(path).bytes, path);
}

function meanBytes(path: string): { readonly bytes: Uint8Array } {
  try {
    return readBytes(path);
  } catch (cause) {
    const { message, notes } = cause as NetrunError;
    throw new NetrunError("cannot read the mean file", { file: path, notes: [message, ...(notes ?? [])], cause });
  }
}
