import { join } from "node:path";
import { expect } from "chai";
import { create, encode } from "../../lib/caffe/message.js";
import { DataParameter_DB, type Init, type LayerParameter } from "../../lib/caffe/messages.js";
import { failure } from "../support/failure.js";
import { openLayer, take } from "../support/feed.js";
import { freshFolder } from "../support/folder.js";
import { goldenPath } from "../support/shared.js";
import { writeLmdb } from "../support/write-lmdb.js";

/** A Data layer over the twelve 3 x 20 x 24 images of a golden LMDB. */
function layer(change: Init<LayerParameter> = {}, batch_size = 5): Init<LayerParameter> {
  const source = goldenPath("data", "raw_lmdb");
  return { type: "Data", data_param: { source, batch_size, backend: DataParameter_DB.LMDB }, ...change };
}

describe("feed", () => {
  const folder = freshFolder();

  it("wraps from the last record to the first inside a batch", async () => {
    await using feed = await openLayer(layer());
    const labels = await take(feed, "label", 24);
    expect(feed.length).to.equal(12);
    expect(labels.slice(12)).to.deep.equal(labels.slice(0, 12));
    expect(feed.position).to.equal(25);
  });

  it("knows the shapes of its tops from the first record", async () => {
    await using feed = await openLayer(layer({ transform_param: { crop_size: 7 } }));
    expect(feed.shapes).to.deep.equal({ data: [5, 3, 7, 7], label: [5] });
  });

  it("continues from a position with the same random crops and mirrors", async () => {
    const options = { phase: "TRAIN", seed: 7 } as const;
    const random = layer({ transform_param: { crop_size: 9, mirror: true } });
    await using whole = await openLayer(random, options);
    await whole.next();
    await whole.next();
    const third = await whole.next();
    await using resumed = await openLayer(random, options);
    await resumed.seek(10);
    expect(await resumed.next()).to.deep.equal(third);
    expect(resumed.position).to.equal(15);
  });

  it("crops and mirrors differently with another seed", async () => {
    const random = layer({ transform_param: { crop_size: 9, mirror: true } });
    await using one = await openLayer(random, { phase: "TRAIN", seed: 1 });
    await using two = await openLayer(random, { phase: "TRAIN", seed: 2 });
    expect((await one.next())["data"]!.data).to.not.deep.equal((await two.next())["data"]!.data);
  });

  it("gives each shard its own records and all of them together the whole", async () => {
    await using whole = await openLayer(layer());
    const pixels = await take(whole, "data", 12 * 1440);
    const parts: number[] = [];
    for (const index of [0, 1, 2]) {
      await using part = await openLayer(layer({}, 4), { shard: { index, count: 3 } });
      parts.push(...(await take(part, "data", 4 * 1440)));
    }
    expect(parts).to.deep.equal(pixels);
  });

  it("refuses a part smaller than a batch", async () => {
    await failure(openLayer(layer(), { shard: { index: 0, count: 3 } }), "has 4 records, fewer than one batch of 5");
  });

  it("names the record that a crop does not fit", async () => {
    await failure(openLayer(layer({ transform_param: { crop_size: 21 } })), 'record 0 (key "00000000"): crop_size 21');
  });

  it("names a damaged Datum, or leaves it out on request", async () => {
    const good = (label: number) =>
      encode(create("Datum", { channels: 1, height: 1, width: 1, data: Uint8Array.of(label), label }));
    const source = join(folder(), "data.mdb");
    writeLmdb(source, [
      ["a", good(1)],
      ["b", Uint8Array.of(255)],
      ["c", good(3)],
    ]);
    const data_param = { source, batch_size: 2, backend: DataParameter_DB.LMDB };
    await using strict = await openLayer({ type: "Data", data_param });
    await failure(strict.next(), `${source}: record 1 (key "b"): not a Datum message`);
    await using lenient = await openLayer({ type: "Data", data_param }, { onBadRecord: "skip" });
    expect(await take(lenient, "label", 4)).to.deep.equal([1, 3, 1, 3]);
    expect(lenient.skipped.last).to.include('(key "b")');
  });

  it("refuses a mean of another shape, both kinds of mean, and a wrong number of means", async () => {
    const meanFile = goldenPath("data", "mean.binaryproto");
    const gray = { source: goldenPath("data", "gray_lmdb"), batch_size: 2, backend: DataParameter_DB.LMDB };
    const wrong = layer({ data_param: gray, transform_param: { mean_file: meanFile } });
    await failure(openLayer(wrong), "the mean has the shape [3,20,24], the data [1,20,24]");
    await failure(
      openLayer(layer({ transform_param: { mean_file: meanFile, mean_value: [1] } })),
      "both mean_file and",
    );
    await failure(
      openLayer(layer({ transform_param: { mean_value: [1, 2] } })),
      "2 mean_value but the data 3 channels",
    );
  });

  it("names a missing database and a missing mean file", async () => {
    const data_param = { source: "/nowhere/train_lmdb", batch_size: 2, backend: DataParameter_DB.LMDB };
    await failure(openLayer(layer({ data_param })), "cannot open the file to read it");
    await failure(openLayer(layer({ transform_param: { mean_file: "/nowhere/mean" } })), "cannot read the mean file");
  });
});
