import { WHOLE } from "../../data/source/source.js";

/** A plan's net, as far as its feeds' data goes. */
interface Feeds {
  readonly feeds: readonly { readonly source?: { readonly kind: string; readonly name?: string } }[];
}

/** A task of opening a plan, as far as its data goes; other tasks have none of it. */
interface Opens {
  readonly train?: Feeds;
  readonly tests?: readonly Feeds[];
  readonly net?: Feeds | number;
}

const netsOf = ({ train, tests = [], net }: Opens): readonly Feeds[] => [
  ...(train ? [train] : []),
  ...tests,
  ...(typeof net === "object" ? [net] : []),
];

/** The names of the cluster's data sets that a task opens. */
export function dataSetsOf(task: unknown): readonly string[] {
  const feeds = netsOf(task as Opens).flatMap((net) => net.feeds);
  const names = feeds.flatMap(({ source }) => (source?.kind === "spark" ? [source.name!] : []));
  return [...new Set(names)];
}

/** A task whose feeds of the cluster's data sets read this worker's partition of them, from folders of Arrow files. */
export function withLocalData(task: object, folders: Readonly<Record<string, string>>): object {
  const localFeed = (feed: Feeds["feeds"][number]) => {
    const path = feed.source?.kind === "spark" ? folders[feed.source.name!] : undefined;
    return path === undefined ? feed : { ...feed, source: { kind: "arrow", path }, shard: WHOLE };
  };
  const local = <N extends Feeds | undefined>(net: N): N => net && ({ ...net, feeds: net.feeds.map(localFeed) } as N);
  const { train, tests, net } = task as Opens;
  return {
    ...task,
    ...(train && { train: local(train) }),
    ...(tests && { tests: tests.map(local) }),
    ...(typeof net === "object" && { net: local(net) }),
  };
}
