import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { NetrunError } from "../../lib/error.js";
import { failure } from "../support/failure.js";
import { openLayer, take } from "../support/feed.js";
import { freshFolder } from "../support/folder.js";

describe("ImageData", () => {
  const folder = freshFolder();
  const write = async (count: number): Promise<string> => {
    for (let i = 0; i < count; i++) {
      const raw = { width: 2, height: 2, channels: 3 } as const;
      await sharp(Buffer.alloc(12, i), { raw })
        .png()
        .toFile(join(folder(), `${i}.png`));
    }
    const list = join(folder(), "list.txt");
    writeFileSync(list, Array.from({ length: count }, (_, i) => `${i}.png ${i}`).join("\n"));
    return list;
  };
  const layer = (source: string, change = {}) => ({
    type: "ImageData",
    image_data_param: { source, root_folder: `${folder()}/`, batch_size: 2, ...change },
  });

  it("shuffles each epoch differently, the same for one seed, and resumes in any epoch", async () => {
    const list = await write(8);
    await using feed = await openLayer(layer(list, { shuffle: true }));
    const labels = await take(feed, "label", 24);
    const epochs = [labels.slice(0, 8), labels.slice(8, 16), labels.slice(16)];
    for (const epoch of epochs) expect([...epoch].sort()).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(epochs[0]).to.not.deep.equal(epochs[1]);
    await using again = await openLayer(layer(list, { shuffle: true }));
    await again.seek(10);
    expect(await take(again, "label", 14)).to.deep.equal(labels.slice(10));
    await using other = await openLayer(layer(list, { shuffle: true }), { seed: 2 });
    expect(await take(other, "label", 8)).to.not.deep.equal(epochs[0]);
  });

  it("keeps shards of a shuffled list disjoint and complete", async () => {
    const list = await write(8);
    const labels: number[] = [];
    for (const index of [0, 1]) {
      await using feed = await openLayer(layer(list, { shuffle: true }), { shard: { index, count: 2 } });
      labels.push(...(await take(feed, "label", 4)));
    }
    expect(labels.sort()).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("reads several labels of an image where label_dim says so", async () => {
    await write(2);
    const list = join(folder(), "several.txt");
    writeFileSync(list, "0.png 1 -2.5 3\n1.png\t4 5  6\n");
    await using feed = await openLayer(layer(list, { label_dim: 3 }));
    expect(feed.shapes["label"]).to.deep.equal([2, 3]);
    expect(await take(feed, "label", 6)).to.deep.equal([1, -2.5, 3, 4, 5, 6]);
    writeFileSync(list, "0.png 1 2\n");
    const short = async () => {
      await using other = await openLayer(layer(list, { label_dim: 3, batch_size: 1 }));
      await other.next();
    };
    await failure(short(), 'not "NAME" and 3 numbers');
  });

  it("skips up to rand_skip images at the start", async () => {
    const list = await write(8);
    await using feed = await openLayer(layer(list, { rand_skip: 8 }));
    const [first, second] = await take(feed, "label", 2);
    expect(first).to.be.within(0, 7);
    expect(second).to.equal((first! + 1) % 8);
  });

  it("makes images gray and resizes them on request", async () => {
    const list = await write(2);
    await using feed = await openLayer(layer(list, { is_color: false, new_height: 3, new_width: 5 }));
    expect(feed.shapes["data"]).to.deep.equal([2, 1, 3, 5]);
  });

  it("puts root_folder in front of names as it is, also where it is no folder", async () => {
    await write(2);
    const list = join(folder(), "numbers.txt");
    writeFileSync(list, ".png 7\n");
    await using feed = await openLayer(
      {
        ...layer(list, { root_folder: `${folder()}/1` }),
        top: ["data", "label"],
      },
      {
        paths: (path) => {
          if (existsSync(path)) return path;
          throw new NetrunError(`no such file: ${path}`);
        },
      },
    );
    const { data, label } = await feed.next();
    expect([data!.data[0], label!.data[0]]).to.deep.equal([1, 7]);
  });

  it("looks names up beside the prototxt where the working directory has none", async () => {
    await write(2);
    const paths = (path: string): string => join(folder(), path);
    const image_data_param = { source: "list.txt", batch_size: 2 };
    await using feed = await openLayer({ type: "ImageData", image_data_param }, { paths });
    expect(await take(feed, "label", 2)).to.deep.equal([0, 1]);
  });

  it("names a missing image with its line, and a line that has no label", async () => {
    const list = await write(3);
    rmSync(join(folder(), "1.png"));
    await using feed = await openLayer(layer(list));
    await failure(feed.next(), `${list}:2: ${folder()}/1.png: there is no image`);
    writeFileSync(list, "0.png\n");
    await failure(openLayer(layer(list)), `${list}:1: not "NAME LABEL" with an integer label: "0.png"`);
    writeFileSync(list, "\n");
    await failure(openLayer(layer(list)), "the list has no images");
  });

  it("fails at an image that does not decode, or counts and leaves it out", async () => {
    const list = await write(4);
    writeFileSync(join(folder(), "2.png"), "no image");
    await using strict = await openLayer(layer(list));
    await strict.next();
    await failure(strict.next(), `${list}:3: ${folder()}/2.png: the image does not decode`);
    await using lenient = await openLayer(layer(list), { onBadRecord: "skip" });
    expect(await take(lenient, "label", 8)).to.deep.equal([0, 1, 3, 0, 1, 3, 0, 1]);
    expect(lenient.skipped.count).to.be.at.least(2);
    expect(lenient.skipped.last).to.include("2.png");
  });

  it("ends when no image at all decodes, even if it may leave some out", async () => {
    const list = await write(2);
    for (const i of [0, 1]) writeFileSync(join(folder(), `${i}.png`), "no image");
    await failure(openLayer(layer(list), { onBadRecord: "skip" }), "none of 2 rows can be used");
  });
});
