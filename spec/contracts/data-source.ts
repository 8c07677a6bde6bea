import { existsSync } from "node:fs";
import type { RecordBatch } from "apache-arrow";
import { expect } from "chai";
import { openFeed, sourceFeedSpec } from "../../lib/data/feed/feed.js";
import { columnsOf } from "../../lib/data/source/columns.js";
import { openSource, type SourceSpec } from "../../lib/data/source/open.js";
import { type DataSource, type Shard, WHOLE } from "../../lib/data/source/source.js";
import { openFiles } from "../support/open-files.js";

/** A source to check: how to describe it once its files are there, and what is in it. */
export interface Subject {
  readonly name: string;
  /** Prepares files in an empty folder. */
  prepare(folder: string): Promise<SourceSpec>;
  /** A field of numbers, and its first element in each row. */
  readonly field: string;
  readonly rows: readonly number[];
}

/** Contract of every data source; `folder` gives a fresh one. */
export function dataSourceContract(subject: Subject, folder: () => string): void {
  describe(`the ${subject.name} source`, () => {
    const { field, rows } = subject;
    let spec: SourceSpec;
    before(async () => {
      spec = await subject.prepare(folder());
    });

    it("knows its length and fields", async () => {
      await using source = await openSource(spec);
      expect(source.length).to.equal(rows.length);
      expect(Object.keys(source.fields)).to.include(field);
    });

    it("gives all rows in the same order each time", async () => {
      await using source = await openSource(spec);
      for (let i = 0; i < 2; i++) expect(await read(source, field)).to.deep.equal(rows);
    });

    it("gives rows of the fields that it promises", async () => {
      await using source = await openSource(spec);
      for await (const batch of source.batches(WHOLE)) {
        expect(batch.numRows).to.be.above(0);
        const columns = columnsOf(batch);
        for (const [name, promised] of Object.entries(source.fields)) {
          const column = columns[name]!;
          expect(column.dtype).to.equal(promised.dtype);
          if (column.dtype !== "image") expect(column.shape).to.deep.equal(promised.shape);
        }
      }
    });

    it("splits into shards that are disjoint and together the whole", async () => {
      await using source = await openSource(spec);
      for (const count of [1, 2, 3]) {
        const parts: number[] = [];
        for (let index = 0; index < count; index++) parts.push(...(await read(source, field, { index, count })));
        expect(parts).to.deep.equal(rows);
      }
    });

    it("starts at any row of a shard", async () => {
      await using source = await openSource(spec);
      for (const shard of [WHOLE, { index: 1, count: 2 }]) {
        const all = await read(source, field, shard);
        for (const from of [0, 1, all.length - 1, all.length])
          expect(await read(source, field, shard, from)).to.deep.equal(all.slice(from));
      }
    });

    it("wraps around in a feed, and resumes there", async () => {
      const at = (i: number): number => rows[i % rows.length]!;
      await using feed = await openFeed(sourceFeedSpec(spec, [field], 2, { phase: "TEST", seed: 1 }));
      const next = async (): Promise<number[]> => firsts((await feed.next())[field]!.data, 2);
      for (let i = 0; i < 2 * rows.length; i += 2) expect(await next()).to.deep.equal([at(i), at(i + 1)]);
      await feed.seek(rows.length - 1);
      expect(await next()).to.deep.equal([at(rows.length - 1), at(0)]);
      expect(feed.position).to.equal(rows.length + 1);
    });

    it("shuffles by a seed: other orders in each epoch and of each seed, the same ones each time", async () => {
      const order = async (seed: number, epoch: number): Promise<number[]> => {
        await using source = await openSource({ ...spec, shuffle: seed });
        return await places(source, rows.length, epoch);
      };
      const [first, again, next, other] = [await order(5, 0), await order(5, 0), await order(5, 1), await order(6, 0)];
      expect(again).to.deep.equal(first);
      for (const each of [first, next, other])
        expect([...each].sort((a, b) => a - b)).to.deep.equal(range(rows.length));
      // Few rows may be in the same order three times by chance.
      if (rows.length > 4) expect([next, other]).to.not.deep.equal([first, first]);
    });

    it("keeps shards disjoint and complete, resumes and locates where it is shuffled", async () => {
      await using source = await openSource({ ...spec, shuffle: 5 });
      await using plain = await openSource(spec);
      const whole = await read(source, field, WHOLE, 0, 3);
      expect([...whole].sort((a, b) => a - b)).to.deep.equal([...rows].sort((a, b) => a - b));
      for (const count of [2, 3]) {
        const parts: number[] = [];
        for (let index = 0; index < count; index++) parts.push(...(await read(source, field, { index, count }, 0, 3)));
        expect(parts).to.deep.equal(whole);
      }
      for (const from of [1, rows.length - 1, rows.length])
        expect(await read(source, field, WHOLE, from, 3)).to.deep.equal(whole.slice(from));
      const names = await Promise.all(range(Math.min(20, rows.length)).map((i) => plain.locate(i)));
      for (let i = 0; i < Math.min(20, rows.length); i++) {
        const at = names.indexOf(await source.locate(i, 3));
        if (at >= 0) expect(rows[at]).to.equal(whole[i]);
        else expect(rows.length).to.be.above(20);
      }
    });

    it("says where a row comes from", async () => {
      await using source = await openSource(spec);
      const [first, last] = [await source.locate(0), await source.locate(rows.length - 1)];
      expect(first).to.be.a("string").that.is.not.equal(last);
    });

    it("frees its files when it ends early", async function () {
      if (!existsSync("/proc/self/fd")) this.skip();
      const readOne = async (): Promise<void> => {
        await using source = await openSource(spec);
        for await (const _ of source.batches(WHOLE)) break;
      };
      // What a library keeps open for good it has opened after the first time.
      await readOne();
      const before = openFiles();
      await readOne();
      expect(openFiles().filter((file) => !before.includes(file))).to.deep.equal([]);
    });
  });
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Positions of the rows, sorted by their names, in the order of an epoch. */
async function places(source: DataSource, rows: number, epoch: number): Promise<number[]> {
  const known = new Map<string, number>();
  for (let i = 0; i < rows; i++) known.set(await source.locate(i, epoch), i);
  return [...known.keys()].sort().map((name) => known.get(name)!);
}

async function read(
  source: DataSource,
  field: string,
  shard: Shard = WHOLE,
  from = 0,
  epoch?: number,
): Promise<number[]> {
  const rows: number[] = [];
  for await (const batch of source.batches(shard, from, epoch)) rows.push(...column(batch, field));
  return rows;
}

function column(batch: RecordBatch, field: string): number[] {
  const found = columnsOf(batch)[field]!;
  if (found.dtype === "image") throw new Error("rows are told apart by a field of numbers");
  return firsts(found.values, batch.numRows);
}

/** The first element of each row. */
function firsts(values: ArrayLike<number>, rows: number): number[] {
  return Array.from({ length: rows }, (_, i) => values[(i * values.length) / rows]!);
}
