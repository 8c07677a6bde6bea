import { mkdirSync, writeFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";
import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { Net } from "../../lib/index.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { failure } from "../support/failure.js";
import { openLayer } from "../support/feed.js";
import { freshFolder } from "../support/folder.js";

/** A PNG of 4 x 3 with a palette, which sharp does not write as it is asked to. */
const PALETTE_PNG = (() => {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const palette = Buffer.alloc(3 * 256);
  palette.set([0, 0, 0, 128, 0, 0, 0, 128, 0]);
  palette.set([224, 224, 192], 3 * 255);
  const rows = [0, 0, 1, 2, 255, 0, 2, 1, 0, 255, 0, 1, 1, 1, 1];
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk("IHDR", Buffer.from([0, 0, 0, 4, 0, 0, 0, 3, 8, 3, 0, 0, 0])),
    chunk("PLTE", palette),
    chunk("IDAT", deflateSync(Buffer.from(rows))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
})();

describe("DenseImageData and ImageSegData: images whose labels are images", () => {
  const folder = freshFolder();
  /** Images whose blue pixels are what their labels are, 10 y + x + i; red ones are 200. */
  const write = async (count: number, [height, width]: readonly [number, number] = [6, 8]): Promise<string> => {
    for (let i = 0; i < count; i++) {
      const label = Buffer.from(
        Array.from({ length: height * width }, (_, k) => 10 * Math.floor(k / width) + (k % width) + i),
      );
      const image = Buffer.from([...label].flatMap((value) => [200, 0, value]));
      await sharp(image, { raw: { width, height, channels: 3 } })
        .png()
        .toFile(join(folder(), `${i}.png`));
      await sharp(label, { raw: { width, height, channels: 1 } })
        .png()
        .toFile(join(folder(), `l${i}.png`));
    }
    const list = join(folder(), "list.txt");
    writeFileSync(list, Array.from({ length: count }, (_, i) => `${i}.png l${i}.png`).join("\n"));
    return list;
  };
  const dense = (source: string, change = {}, more = {}) => ({
    type: "DenseImageData",
    dense_image_data_param: { source, root_folder: `${folder()}/`, batch_size: 2, ...change },
    ...more,
  });

  it("give a label for each place", async () => {
    await using feed = await openLayer(dense(await write(3)));
    expect(feed.shapes).to.deep.equal({ data: [2, 3, 6, 8], label: [2, 1, 6, 8] });
    const { data, label } = await feed.next();
    const expected = Array.from({ length: 48 }, (_, k) => 10 * Math.floor(k / 8) + (k % 8));
    expect([...label!.data]).to.deep.equal([...expected, ...expected.map((value) => value + 1)]);
    expect([...data!.data.subarray(0, 48)]).to.deep.equal(expected);
  });

  for (const type of ["DenseImageData", "ImageSegData"])
    it(`${type} crops and mirrors labels as their images, and subtracts means only from images`, async () => {
      const { dense_image_data_param } = dense(await write(3));
      const param =
        type === "DenseImageData" ? { dense_image_data_param } : { image_data_param: dense_image_data_param };
      const transform_param = { crop_size: 4, mirror: true, mean_value: [7] };
      await using feed = await openLayer({ type, ...param, transform_param }, { phase: "TRAIN" });
      expect(feed.shapes).to.deep.equal({ data: [2, 3, 4, 4], label: [2, 1, 4, 4] });
      const seen = new Set<string>();
      for (let i = 0; i < 8; i++) {
        const { data, label } = await feed.next();
        for (const item of [0, 1]) {
          const blue = [...data!.data.subarray(item * 48, item * 48 + 16)].map((value) => value + 7);
          const own = [...label!.data.subarray(item * 16, item * 16 + 16)];
          expect(own).to.deep.equal(blue);
          seen.add(`${own[1]! - own[0]!}`);
        }
      }
      expect([...seen].sort()).to.deep.equal(["-1", "1"]);
    });

  it("ImageSegData pads images that are smaller than crop_size, by the mean and ignore_label", async () => {
    const list = await write(1);
    const transform_param = { crop_size: 7, mean_value: [3.4, 5.6, 7] };
    for (const [change, label255] of [
      [{}, 255],
      [{ ignore_label: 21 }, 21],
    ] as const) {
      const image_data_param = { ...dense(list, { batch_size: 1 }).dense_image_data_param, ...change };
      await using feed = await openLayer({ type: "ImageSegData", image_data_param, transform_param });
      expect(feed.shapes).to.deep.equal({ data: [1, 3, 7, 7], label: [1, 1, 7, 7] });
      const { data, label } = await feed.next();
      const own = Array.from({ length: 42 }, (_, k) => 10 * Math.floor(k / 7) + (k % 7));
      expect([...label!.data]).to.deep.equal([...own, ...Array(7).fill(label255)]);
      expect([...data!.data.subarray(0, 42)]).to.deep.equal(own.map((value) => Math.fround(value - Math.fround(3.4))));
      const below = [0, 1, 2].map((c) => data!.data[49 * c + 42]!);
      expect(below.map((value) => value.toFixed(3))).to.deep.equal(["-0.400", "0.400", "0.000"]);
    }
    await failure(openLayer(dense(list, {}, { transform_param })), "crop_size 7 is larger than the data");
  });

  it("FCN's Python layers take an image at a time where --data feeds tops of several kinds", async () => {
    const text = `layer { name: "data" type: "Python" top: "data" top: "sem" top: "geo"
      python_param { module: "siftflow_layers" layer: "SIFTFlowSegDataLayer" param_str: "{'split': 'trainval'}" } }`;
    const row = { data: [[[1, 2]], [[3, 4]], [[5, 6]]], sem: [[[0, 1]]], geo: [[[1, 2]]] };
    await using net = await Net.load(text, { phase: "TRAIN", data: [row] });
    const { data, geo } = await net.forward();
    expect([data!.shape, geo!.shape]).to.deep.equal([
      [1, 3, 1, 2],
      [1, 1, 1, 2],
    ]);
  });

  it("resize labels without mixing them", async () => {
    await using feed = await openLayer(dense(await write(1), { batch_size: 1, new_height: 3, new_width: 4 }));
    const { label } = await feed.next();
    expect([...label!.data]).to.deep.equal([0, 2, 4, 6, 20, 22, 24, 26, 40, 42, 44, 46]);
  });

  it("shrink labels by label_divide_factor, as ENet's encoder is trained", async () => {
    const list = await write(1, [8, 8]);
    await using feed = await openLayer(
      dense(list, { batch_size: 1, new_height: 8, new_width: 8, label_divide_factor: 2 }),
    );
    expect(feed.shapes).to.deep.equal({ data: [1, 3, 8, 8], label: [1, 1, 4, 4] });
    const { label } = await feed.next();
    expect([...label!.data]).to.deep.equal([0, 2, 4, 6].flatMap((y) => [0, 2, 4, 6].map((x) => 10 * y + x)));
    await failure(openLayer(dense(list, { label_divide_factor: 2 })), "label_divide_factor needs new_height");
  });

  it("ImageLabelmapData (HED) has edges where labels are brighter than their middle grey", async () => {
    const { dense_image_data_param: image_data_param } = dense(await write(1, [16, 18]), { batch_size: 1 });
    await using feed = await openLayer({ type: "ImageLabelmapData", image_data_param });
    const { data, label } = await feed.next();
    const grey = [...data!.data.subarray(0, 16 * 18)];
    expect(grey).to.include.members([127, 128]);
    expect([...label!.data]).to.deep.equal(grey.map((value) => Number(value >= 128)));
  });

  describe("of FCN's Python layers", () => {
    const python = (layer: string, text: string) => ({
      type: "Python",
      python_param: { module: "voc_layers", layer, param_str: text },
    });
    /** PASCAL VOC's folder with two images of 4 x 3, whose labels are numbers of a palette. */
    const writeVoc = async () => {
      for (const part of ["JPEGImages", "SegmentationClass", "ImageSets/Segmentation"])
        mkdirSync(join(folder(), "voc", part), { recursive: true });
      for (const [i, name] of ["a", "b"].entries()) {
        const image = sharp({
          create: { width: 4, height: 3, channels: 3, background: { r: 10, g: 20, b: 30 + 40 * i } },
        });
        await image
          .jpeg({ quality: 100, chromaSubsampling: "4:4:4" })
          .toFile(join(folder(), "voc/JPEGImages", `${name}.jpg`));
        writeFileSync(join(folder(), "voc/SegmentationClass", `${name}.png`), PALETTE_PNG);
      }
      writeFileSync(join(folder(), "voc/ImageSets/Segmentation/val.txt"), "a\nb\n");
    };

    it("VOCSegDataLayer reads PASCAL VOC's folder: images minus the mean, and palettes' numbers as classes", async () => {
      await writeVoc();
      const text = `{'voc_dir': '${join(folder(), "voc")}', 'split': 'val', 'seed': 1337, 'mean': (1, 2, 3)}`;
      await using feed = await openLayer(python("VOCSegDataLayer", text));
      for (const blue of [30, 70]) {
        const { data, label } = await feed.next();
        expect([data!.shape, label!.shape]).to.deep.equal([
          [1, 3, 3, 4],
          [1, 1, 3, 4],
        ]);
        for (const [plane, value] of [blue - 1, 18, 7].entries())
          expect(data!.data[12 * plane]).to.be.closeTo(value, 1); // JPEG rounds colours.
        expect([...label!.data]).to.deep.equal([0, 1, 2, 255, 2, 1, 0, 255, 1, 1, 1, 1]);
      }
    });

    it("others take a list of images and label images", async () => {
      await writeVoc();
      const list = join(folder(), "pairs.txt");
      writeFileSync(list, "voc/JPEGImages/a.jpg voc/SegmentationClass/a.png\n");
      const layer = python("SBDDSegDataLayer", "{'sbdd_dir': 'x', 'split': 'train', 'mean': (0, 0, 0)}");
      await failure(openLayer(layer), "does not read the data set of SBDDSegDataLayer");
      await using feed = await openLayer(layer, { data: detectSource(list) });
      expect([...(await feed.next())["label"]!.data].slice(0, 4)).to.deep.equal([0, 1, 2, 255]);
    });
  });

  it("refuse lines without two names, labels that are not there, and what is not done", async () => {
    const list = await write(1);
    writeFileSync(list, "0.png\n");
    await failure(openLayer(dense(list)), 'not "IMAGE LABELS", two names of images: "0.png"');
    writeFileSync(list, "0.png none.png\n");
    await failure(openLayer(dense(list)), "there is no image");
    await failure(openLayer(dense(list, {}, { top: ["data", "label", "dim"] })), "third top");
  });
});
