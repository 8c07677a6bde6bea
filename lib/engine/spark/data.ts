import type { FeedSpec } from "../../data/feed/feed.js";
import { shardRange } from "../../data/source/source.js";
import type { FrameSpec } from "../../data/source/spark.js";
import { NetrunError } from "../../error.js";
import type { ForwardPlan, NetPlan, TrainingPlan } from "../../run/plan.js";

/** Share of a DataFrame that a replica reads: its part, or all of it. */
export interface RowSet {
  readonly name: string;
  /** The DataFrame's number. */
  readonly frame: number;
  readonly whole: boolean;
}

/** A task of opening a plan, as far as its data goes; other tasks have none of it. */
type Opens = Partial<Pick<TrainingPlan, "train" | "tests">> & { readonly net?: ForwardPlan["net"] | number };

const frameOf = (feed: FeedSpec): FrameSpec | undefined =>
  feed.kind === "records" && feed.source.kind === "spark" ? feed.source : undefined;

/** A feed that is no part of the data reads all rows: of tests, and where replicas share every batch. */
function setOf(feed: FeedSpec): RowSet | undefined {
  const frame = frameOf(feed)?.id;
  if (frame === undefined) return undefined;
  const whole = feed.shard.count === 1;
  return { name: whole ? `${frame}-whole` : `${frame}`, frame, whole };
}

/** Needs of a replica for a task, by name. */
export function rowSetsOf(task: unknown): readonly RowSet[] {
  const { train, tests = [], net } = task as Opens;
  const nets = [...(train ? [train] : []), ...tests, ...(typeof net === "object" ? [net] : [])];
  const sets = nets.flatMap(({ feeds }) => feeds.flatMap((feed) => setOf(feed) ?? []));
  return [...new Map(sets.map((set) => [set.name, set])).values()];
}

/** A task whose feeds of DataFrames read this worker's rows of them, from files by the names of what a replica needs. */
export function withLocalData(task: object, files: Readonly<Record<string, string>>): object {
  const local = (net: NetPlan): NetPlan => ({ ...net, feeds: net.feeds.map((feed) => localFeed(feed, files)) });
  const { train, tests, net } = task as Opens;
  return {
    ...task,
    ...(train && { train: local(train) }),
    ...(tests && { tests: tests.map(local) }),
    ...(typeof net === "object" && { net: local(net) }),
  };
}

function localFeed(feed: FeedSpec, files: Readonly<Record<string, string>>): FeedSpec {
  const frame = frameOf(feed);
  const path = files[setOf(feed)?.name ?? ""];
  if (!frame || feed.kind !== "records" || path === undefined) return feed;
  const { index, count } = feed.shard;
  const { start, end } = shardRange(feed.shard, frame.rows);
  if (start === end) {
    throw new NetrunError(`part ${index} of ${count} has no rows: ${frame.frame} has ${frame.rows}`, {
      notes: ["use fewer workers"],
    });
  }
  return { ...feed, source: { ...frame, kind: "spark", path, first: start } };
}
