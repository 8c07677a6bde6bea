import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FeedSpec } from "../../data/feed/feed.js";
import type { SourceSpec } from "../../data/source/open.js";
import { shardRange } from "../../data/source/source.js";
import { type FrameSpec, frameSpec } from "../../data/source/spark.js";
import { NetrunError } from "../../error.js";
import { parseNumber } from "../../options/number.js";
import type { NetPlan, TrainingPlan } from "../../run/plan.js";

/** Asks the cluster's driver: a head and parts there, parts back. */
export type Ask = (head: Readonly<Record<string, unknown>>) => Promise<readonly Uint8Array[]>;

/** What the cluster says of a DataFrame. */
interface Described {
  readonly unusable: Readonly<Record<string, string>>;
  readonly texts: Readonly<Record<string, readonly string[]>>;
  readonly rows: number;
}

/**
 * Opens a DataFrame by its address, `spark:FORMAT:PATH?options`, `spark:table:NAME` or `spark:sql:SELECT ...`: a data source whose
 * rows are on the cluster, and a sample of them in `folder`, by which nets are checked. `id` is its number on the cluster. Throws a
 * NetrunError where Spark cannot read it, or it has no rows.
 */
export async function openFrame(ask: Ask, frame: string, id: number, folder: string): Promise<SourceSpec> {
  const [text, sample] = await ask({ op: "frame", id, source: frame });
  const { rows, texts, unusable } = JSON.parse(Buffer.from(text!).toString()) as Described;
  const path = join(folder, `${id}.arrow`);
  writeFileSync(path, sample!);
  return { kind: "spark", ...frameSpec({ frame, id, path, rows, texts, unusable, missing: missingOf(frame) }) };
}

/** The value of missing numbers that an address asks for. */
function missingOf(frame: string): number | undefined {
  if (frame.startsWith("spark:sql:")) return undefined;
  const text = new URLSearchParams(frame.slice(frame.lastIndexOf("?") + 1)).get("missing");
  if (!frame.includes("?") || text === null) return undefined;
  return parseNumber("option missing", text, {}, frame);
}

/** The rows of a DataFrame that replicas read: each its part, or each all of them. */
interface Shared {
  readonly id: number;
  readonly whole: boolean;
}

const nameOf = ({ id, whole }: Shared): string => (whole ? `${id}-whole` : `${id}`);

const frameOf = (feed: FeedSpec): FrameSpec | undefined =>
  feed.kind === "records" && feed.source.kind === "spark" ? feed.source : undefined;

/** A training feed of a part of every batch reads all rows, and so do tests. */
const isWhole = (feed: FeedSpec): boolean => feed.shard.count === 1;

/**
 * Has the cluster cut the DataFrames of a plan into what each of `replicas` replicas reads, cached on its disks. `plan` is a replica's,
 * whichever. Gives the names of what a replica then needs.
 */
export async function shareRows(ask: Ask, plan: TrainingPlan, replicas: number): Promise<readonly string[]> {
  const wanted = new Map<string, Shared>();
  for (const feed of feedsOf(plan)) {
    const frame = frameOf(feed);
    if (!frame) continue;
    const shared = { id: frame.id, whole: isWhole(feed) };
    wanted.set(nameOf(shared), shared);
  }
  for (const [name, shared] of wanted) await ask({ op: "rows", name, replicas, ...shared });
  return [...wanted.keys()];
}

/** A replica's plan with its rows where they are: in `folder`, under the names that `shareRows` gave. */
export function withRows<P extends TrainingPlan>(plan: P, folder: string): P {
  const here = (net: NetPlan): NetPlan => ({ ...net, feeds: net.feeds.map((feed) => localFeed(feed, folder)) });
  return { ...plan, train: here(plan.train), tests: plan.tests.map(here) };
}

function localFeed(feed: FeedSpec, folder: string): FeedSpec {
  const frame = frameOf(feed);
  if (!frame || feed.kind !== "records") return feed;
  const path = join(folder, `${nameOf({ id: frame.id, whole: isWhole(feed) })}.arrow`);
  const { start, end } = shardRange(feed.shard, frame.rows);
  if (start === end) {
    throw new NetrunError(
      `part ${feed.shard.index} of ${feed.shard.count} has no rows: ${frame.frame} has ${frame.rows}`,
      {
        notes: ["use fewer workers"],
      },
    );
  }
  return { ...feed, source: { ...feed.source, kind: "spark", ...frame, path, first: start } };
}

const feedsOf = ({ train, tests }: TrainingPlan): readonly FeedSpec[] =>
  [train, ...tests].flatMap(({ feeds }) => feeds);
