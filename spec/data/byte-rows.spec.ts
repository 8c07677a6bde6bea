import { join } from "node:path";
import { expect } from "chai";
import { create, encode } from "../../lib/caffe/message.js";
import { type ByteRows, partsOf, valuesOf } from "../../lib/data/feed/byte-rows.js";
import { openFeed, sourceFeedSpec } from "../../lib/data/feed/feed.js";
import type { TransformSpec } from "../../lib/data/feed/transform.js";
import { writeArrow } from "../../lib/data/source/arrow/write.js";
import { recordBatch } from "../../lib/data/source/columns.js";
import { count, float32, input } from "../../lib/graph/index.js";
import { transformed } from "../../lib/run/loop/transform.js";
import { freshFolder } from "../support/folder.js";
import { prng } from "../support/prng.js";
import { runGraph } from "../support/run-graph.js";
import { writeLmdb } from "../support/write-lmdb.js";

const BATCH = 4;
/** Batches that are compared: in one case more than are made before a thread takes over. */
const [FEW, MANY] = [3, 9];
const ROW = [3, 6, 7] as const;

/** Writes a database of images of random bytes, six of each height: crops alone make them one size. */
function images(path: string, heights: readonly number[]): string {
  const draw = prng(3);
  const records = heights.flatMap((height, part) =>
    Array.from({ length: 6 }, (_, i) => {
      const [channels, , width] = ROW;
      const data = Uint8Array.from({ length: channels * height * width }, () => Math.floor(256 * draw()));
      return [
        `${6 * part + i}`.padStart(4, "0"),
        encode(create("Datum", { channels, height, width, data, label: i })),
      ] as const;
    }),
  );
  writeLmdb(path, records);
  return path;
}

describe("rows that are sent as bytes", () => {
  const folder = freshFolder();
  const TRANSFORMS: Readonly<Record<string, Partial<TransformSpec>>> = {
    nothing: {},
    "a scale": { scale: 0.00390625 },
    "a mean for all channels": { meanValues: [33.3], scale: 0.1 },
    "a mean a channel, crops and mirrors": { meanValues: [104, 117, 123], cropSize: 4, mirror: true },
    "crops alone": { cropSize: 5 },
    "mirrors alone": { mirror: true, scale: 0.017 },
  };
  for (const [name, transform] of Object.entries(TRANSFORMS)) {
    it(`become the values that a feed gives, in the feed's words and as a graph: ${name}`, async () => {
      const path = images(join(folder(), "images"), [6, 6]);
      const spec = sourceFeedSpec({ kind: "lmdb", path }, ["data", "label"], BATCH, {
        phase: "TRAIN",
        seed: 5,
        transform,
      });
      await using plain = await openFeed(spec);
      await using packed = await openFeed(spec);
      const byteRows = packed.sendBytes!()!;
      expect(byteRows.shape).to.deep.equal(ROW);
      expect(packed.shapes).to.deep.equal(plain.shapes);
      for (let i = 0; i < (transform.cropSize === 4 ? MANY : FEW); i++) {
        const [wanted, sent] = [await plain.next(), await packed.next()];
        expect(sent["data"]!.holdsBytes).to.equal(true);
        expect(sent["label"]).to.deep.equal(wanted["label"]);
        expect(valuesOf(byteRows, sent["data"]!)).to.deep.equal(wanted["data"]);
        if (i > 1) continue;
        expect(await onDevice(byteRows, sent["data"]!)).to.deep.equal(wanted["data"]!.data);
      }
    });
  }

  async function onDevice(byteRows: ByteRows, { shape, data }: { shape: readonly number[]; data: Float32Array }) {
    const { places, pixels } = partsOf(data, BATCH, count(byteRows.shape));
    const bytes = input("bytes", { dtype: "uint8", shape: [BATCH, ...byteRows.shape] });
    const values = transformed(byteRows, bytes, input("places", float32([BATCH, 3])), shape);
    return (await runGraph({ values }, { bytes: pixels, places }))["values"];
  }

  it("have a mean image subtracted before they are cropped", async () => {
    const mean = { shape: ROW, data: Float32Array.from({ length: count(ROW) }, (_, i) => i / 7) };
    const transform = { scale: 0.5, mirror: true, cropSize: 4, meanValues: [] };
    const byteRows: ByteRows = { top: "data", shape: ROW, transform, mean };
    const data = new Float32Array(3 * BATCH + (BATCH * count(ROW)) / 4 + 1).fill(0);
    const { places, pixels } = partsOf(data, BATCH, count(ROW));
    places.set([0, 0, 0, 2, 3, 1, 1, 0, 1, 2, 1, 0]);
    pixels.forEach((_, i) => {
      pixels[i] = (i * 37) % 256;
    });
    const tensor = { shape: [BATCH, 3, 4, 4], data };
    expect(await onDevice(byteRows, tensor)).to.deep.equal(valuesOf(byteRows, tensor).data);
  });

  it("come as values where their sizes differ", async () => {
    const path = images(join(folder(), "sizes"), [6, 9]);
    const transform = { cropSize: 5, mirror: true };
    const spec = sourceFeedSpec({ kind: "lmdb", path }, ["data", "label"], BATCH, {
      phase: "TRAIN",
      seed: 5,
      transform,
    });
    await using plain = await openFeed(spec);
    await using packed = await openFeed(spec);
    const byteRows = packed.sendBytes!()!;
    const kinds: boolean[] = [];
    for (let i = 0; i < 3; i++) {
      const [wanted, { data }] = [(await plain.next())["data"]!, await packed.next()];
      kinds.push(data!.holdsBytes ?? false);
      expect(data!.holdsBytes ? valuesOf(byteRows, data!) : data).to.deep.equal(wanted);
    }
    // Six rows of one height, then six of another.
    expect(kinds).to.deep.equal([true, false, false]);
  });

  it("are none where rows are numbers", async () => {
    const path = join(folder(), "numbers.arrow");
    const values = Float32Array.from({ length: 24 }, (_, i) => i);
    await writeArrow(path, [recordBatch({ data: { dtype: "float32", shape: [3], values } }, 8)]);
    await using feed = await openFeed(
      sourceFeedSpec({ kind: "arrow", path }, ["data"], 2, { phase: "TRAIN", seed: 1 }),
    );
    expect(feed.sendBytes!()).to.equal(undefined);
    expect((await feed.next())["data"]!.holdsBytes).to.equal(undefined);
  });
});
