import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { expect } from "chai";
import type { Init, LayerParameter } from "../../lib/caffe/messages.js";
import type { Feed } from "../../lib/data/feed/feed.js";
import { failure } from "../support/failure.js";
import { openLayer } from "../support/feed.js";
import { openFiles } from "../support/open-files.js";

/** A data layer to check. */
export interface FeedSubject {
  readonly name: string;
  /** Prepares files in an empty folder; batches have two rows. */
  prepare(folder: string): Promise<Init<LayerParameter>>;
  /** Records in its source; infinite where it makes what it gives. */
  readonly length: number;
  /** Labels of all records, where each comes once in an epoch. */
  readonly labels?: readonly number[];
}

/** Contract of every data layer's feed; `folder` gives a fresh one. */
export function feedContract(subject: FeedSubject, folder: () => string): void {
  describe(`the feed of ${subject.name}`, () => {
    let layer: Init<LayerParameter>;
    before(async () => {
      layer = await subject.prepare(folder());
    });
    const open = (shard = { index: 0, count: 1 }, seed = 3): Promise<Feed> =>
      openLayer(layer, { phase: "TRAIN", seed, shard });

    it("knows its length, and the shapes of what it gives", async () => {
      await using feed = await open();
      expect(feed.length).to.equal(subject.length);
      const batch = await feed.next();
      for (const [top, shape] of Object.entries(feed.shapes)) expect(batch[top]!.shape).to.deep.equal(shape);
    });

    it("gives the same batches each time, and counts records", async () => {
      await using one = await open();
      await using two = await open();
      for (let i = 1; i <= 4; i++) {
        expect(await one.next()).to.deep.equal(await two.next());
        expect(one.position).to.equal(2 * i);
      }
    });

    it("resumes from a position, in another epoch too, to the bit", async () => {
      await using feed = await open();
      const batches = [];
      for (let i = 0; i < 12; i++) batches.push(await feed.next());
      for (const start of [0, 1, 5, 9]) {
        await using again = await open();
        await again.seek(2 * start);
        for (let i = start; i < start + 3; i++) expect(await again.next(), `batch ${i}`).to.deep.equal(batches[i]);
      }
    });

    it("goes on to the bit where a thread takes over", async () => {
      await using feed = await open();
      await using local = await open();
      for (let i = 0; i < 7; i++) await feed.next();
      await setTimeout(700);
      for (let i = 0; i < 5; i++) await feed.next();
      await local.seek(24);
      expect(await feed.next()).to.deep.equal(await local.next());
    });

    if (subject.labels) {
      const { labels } = subject;
      it("gives every record once in an epoch, over the end of one inside a batch", async () => {
        await using feed = await open();
        const given: number[] = [];
        while (given.length < 3 * labels.length) given.push(...(await feed.next())["label"]!.data);
        for (let epoch = 0; epoch < 3; epoch++) {
          const part = given.slice(epoch * labels.length, (epoch + 1) * labels.length);
          expect(part.sort((a, b) => a - b)).to.deep.equal([...labels].sort((a, b) => a - b));
        }
      });

      it("gives shards that are disjoint and together the whole", async () => {
        const given: number[] = [];
        for (const index of [0, 1]) {
          await using feed = await open({ index, count: 2 });
          const size = Math.floor(((index + 1) * labels.length) / 2) - Math.floor((index * labels.length) / 2);
          const part: number[] = [];
          while (part.length < size) part.push(...(await feed.next())["label"]!.data);
          given.push(...part.slice(0, size));
        }
        expect(given.sort((a, b) => a - b)).to.deep.equal([...labels].sort((a, b) => a - b));
      });
    }

    it("draws other numbers in other shards, the same ones each time", async () => {
      const first = async (index: number) => {
        await using feed = await open({ index, count: 2 });
        const batches = [];
        for (let i = 0; i < 4; i++) batches.push(await feed.next());
        return batches;
      };
      expect(await first(1)).to.deep.equal(await first(1));
      expect(await first(1)).to.not.deep.equal(await first(0));
    });

    it("refuses calls after its end, and is ended twice without harm", async () => {
      const feed = await open();
      await feed[Symbol.asyncDispose]();
      await feed[Symbol.asyncDispose]();
      await failure(feed.next(), "the feed was disposed");
      await failure(feed.seek(0), "the feed was disposed");
      expect(() => feed.restrict({})).to.throw("the feed was disposed");
    });

    it("frees its files when it is closed early", async function () {
      if (!existsSync("/proc/self/fd")) this.skip();
      const one = async (): Promise<void> => {
        await using feed = await open();
        await feed.next();
      };
      await one();
      const before = openFiles();
      await one();
      expect(openFiles().filter((file) => !before.includes(file))).to.deep.equal([]);
    });
  });
}
