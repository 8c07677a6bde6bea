import { create } from "../../lib/caffe/message.js";
import type { Init, LayerParameter } from "../../lib/caffe/messages.js";
import { type Feed, feedSpec, openFeed } from "../../lib/data/feed/feed.js";
import type { FeedOptions } from "../../lib/data/feed/layer.js";

/** Opens the feed of a data layer given as a message. */
export async function openLayer(layer: Init<LayerParameter>, options: Partial<FeedOptions> = {}): Promise<Feed> {
  const whole = create("LayerParameter", { name: "d", top: ["data", "label"], ...layer });
  return openFeed(feedSpec(whole, { phase: "TEST", paths: (path) => path, seed: 1, ...options }));
}

/** The next `n` values of one top, batch after batch. */
export async function take(feed: Feed, top: string, n: number): Promise<number[]> {
  const values: number[] = [];
  while (values.length < n) values.push(...(await feed.next())[top]!.data);
  return values.slice(0, n);
}
