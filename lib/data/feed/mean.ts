import { create } from "../../caffe/message.js";
import type { BlobProto } from "../../caffe/messages.js";
import { NetrunError } from "../../error.js";
import type { SourceSpec } from "../source/open.js";
import { sourceFeedSpec } from "./layer.js";
import { openLocalFeed } from "./open-feed.js";

/** The mean image of a source and, of each channel, the mean value. */
export interface MeanImage {
  /** Mean in the form of Caffe's compute_image_mean: legacy dims [1, channels, height, width] and the values. */
  readonly blob: BlobProto;
  readonly channelMeans: readonly number[];
  readonly rows: number;
}

const BATCH = 64;

/**
 * The mean over all rows of a source's first field, images decoded as they are. Sums and divides in float32 in the order of
 * the rows, as Caffe does, so that the result is Caffe's to the bit. Throws a NetrunError where rows are no images of one
 * size. Source: compute_image_mean.cpp.
 */
export async function meanImage(
  source: SourceSpec,
  progress: (rows: number, total: number) => void = () => {},
  onBadRecord: "fail" | "skip" = "fail",
): Promise<MeanImage> {
  // Single rows tell where the source ends, whichever are skipped.
  const size = onBadRecord === "skip" ? 1 : BATCH;
  const options = { phase: "TEST", seed: 0, onBadRecord } as const;
  const spec = { ...sourceFeedSpec(source, ["data"], size, options), match: "position" } as const;
  await using feed = await openLocalFeed(spec, 2);
  const [, ...shape] = feed.shapes["data"]!;
  if (shape.length !== 3)
    throw new NetrunError(`rows of the shape [${shape}] have no mean image: [channels, height, width] is needed`);
  const [channels, height, width] = shape as [number, number, number];
  const sum = new Float32Array(channels * height * width);
  let rows = 0;
  while (feed.position < feed.length) {
    const batch = await feed.next();
    const { data } = batch["data"]!;
    const sound = size - Math.max(0, feed.position - feed.length);
    rows += sound;
    for (let i = 0; i < sound; i++)
      for (let j = 0, at = i * sum.length; j < sum.length; j++, at++) sum[j]! += data[at]!;
    feed.recycle(batch);
    progress(Math.min(feed.position, feed.length), feed.length);
  }
  for (let j = 0; j < sum.length; j++) sum[j]! /= rows;
  const area = height * width;
  const channelMeans = Array.from({ length: channels }, (_, c) => {
    let total = 0;
    for (let i = 0; i < area; i++) total += sum[c * area + i]!;
    return total / area;
  });
  return { blob: create("BlobProto", { num: 1, channels, height, width, data: sum }), channelMeans, rows };
}
