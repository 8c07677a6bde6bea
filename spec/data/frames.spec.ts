import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Field, Float32, List, Table, tableToIPC, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import { type FeedSpec, openFeed } from "../../lib/data/feed/feed.js";
import { sourceFeedSpec } from "../../lib/data/feed/layer.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { openSource, type SourceSpec } from "../../lib/data/source/open.js";
import { frameSpec } from "../../lib/data/source/spark.js";
import { rowSetsOf, withLocalData } from "../../lib/engine/spark/data.js";
import type { TrainingPlan } from "../../lib/run/plan.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

const TYPES = ["owl", "cat", "owl", "emu", "cat", "emu", "owl", "cat", "emu", "owl"];
const FRAME = "spark:parquet:/birds";

/** Rows [from, to) as Spark sends them: a stream of Arrow's own types. */
function streamOf(from: number, to: number): Uint8Array {
  const list = new List(new Field("element", new Float32(), true));
  const rows = Array.from({ length: to - from }, (_, i) => from + i);
  return tableToIPC(
    new Table({
      data: vectorFromArray(
        rows.map((i) => [i, i + 0.25, i + 0.5, i + 0.75]),
        list,
      ),
      label: vectorFromArray(rows.map((i) => TYPES[i])),
    }),
    "stream",
  );
}

describe("the rows of a DataFrame", () => {
  const folder = freshFolder();
  const put = (name: string, from: number, to: number): string => {
    const path = join(folder(), name);
    writeFileSync(path, streamOf(from, to));
    return path;
  };
  const sampled = (rows = 10): SourceSpec => ({
    kind: "spark",
    ...frameSpec({
      frame: FRAME,
      id: 0,
      path: put("0.arrow", 0, 4),
      rows,
      unusable: { day: "it holds date of Spark" },
      texts: { label: ["owl", "emu", "cat"] },
    }),
  });
  const feed = (source: SourceSpec, index: number) =>
    sourceFeedSpec(source, ["data", "label"], 2, {
      phase: "TRAIN",
      seed: 5,
      shard: { index, count: 3 },
      transform: { mirror: true },
      wanted: { data: [1, 1, 4], label: [] },
    });
  /** A replica's plan, as far as its data matters here. */
  const here = (source: SourceSpec, index: number) => {
    const plan = { train: { feeds: [feed(source, index)] }, tests: [] } as unknown as TrainingPlan;
    expect(rowSetsOf(plan)).to.deep.equal([{ name: "0", frame: 0, whole: false }]);
    const local = withLocalData(plan, { "0": join(folder(), "0.arrow") }) as TrainingPlan;
    return local.train.feeds[0]!;
  };

  it("are fields by a sample of them, with the texts of all", async () => {
    await using source = await openSource(sampled());
    expect(source.fields).to.deep.equal({
      data: { dtype: "float32", shape: [4] },
      label: { dtype: "int32", shape: [] },
    });
    expect(source.labels).to.deep.equal({ label: ["cat", "emu", "owl"] });
    expect(source.unusable).to.deep.equal({ day: "it holds date of Spark" });
    expect(source.length).to.equal(10);
  });

  it("give a replica the batches that it has of the same rows in one file, random mirrors included", async () => {
    const source = sampled();
    const local: SourceSpec = { kind: "arrow", path: put("all.arrow", 0, 10) };
    for (const [index, [from, to]] of [[0, 3] as const, [3, 6] as const, [6, 10] as const].entries()) {
      put("0.arrow", from, to);
      await using part = await openFeed(here(source, index));
      await using whole = await openFeed(feed(local, index));
      for (let batch = 0; batch < 5; batch++) expect(await part.next()).to.deep.equal(await whole.next());
    }
  });

  it("have other shapes of the same values where the address says so", async () => {
    const source = { ...sampled(), shapes: { data: [1, 2, 2] } } as SourceSpec;
    put("0.arrow", 0, 3);
    await using part = await openFeed({ ...here(source, 0), wanted: undefined } as FeedSpec);
    const { data } = await part.next();
    expect(data!.shape).to.deep.equal([2, 1, 2, 2]);
  });

  it("name a row that cannot be used by its place in the order", async () => {
    const source = sampled();
    put("0.arrow", 3, 6);
    const spec = here({ ...source, columns: [{ name: "data", dtype: "float32", shape: [3] }] } as SourceSpec, 1);
    await failure(openFeed({ ...spec, tops: ["data"] }), `${FRAME}: row 3 of the order: column "data" has 4 values`);
  });

  it("are refused where a replica has none of them", () => {
    expect(() => here(sampled(2), 0)).to.throw(`part 0 of 3 has no rows: ${FRAME} has 2`);
  });

  it("are refused where there are none, and without a cluster", () => {
    expect(() => sampled(0)).to.throw(`${FRAME}: the data has no rows`);
    expect(() => detectSource(FRAME)).to.throw(`"${FRAME}" is a DataFrame, which is read on a Spark cluster`);
  });
});
