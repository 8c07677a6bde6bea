import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { expect } from "chai";
import sharp from "sharp";
import { loadPlugins, Net } from "../../lib/index.js";
import { freshFolder } from "../support/folder.js";
import { root } from "../support/shared.js";

/** An image of one colour. */
const plain = (width: number, height: number, [r, g, b]: readonly [number, number, number]) =>
  sharp({ create: { width, height, channels: 3, background: { r, g, b } } });

/** A prototxt of a Python data layer. */
const layerOf = (module: string, name: string, tops: readonly string[], settings: string) =>
  `layer { name: "data" type: "Python" ${tops.map((top) => `top: "${top}"`).join(" ")}
    python_param { module: "${module}" layer: "${name}" param_str: "${settings}" } }`;

/** A MAT-file of version 5 with one matrix of bytes, by rows here and by columns there. */
function matFile(name: string, rows: readonly (readonly number[])[], isCompressed: boolean): Buffer {
  const element = (type: number, bytes: Buffer) => {
    const tag = Buffer.alloc(8);
    tag.writeUInt32LE(type, 0);
    tag.writeUInt32LE(bytes.length, 4);
    return Buffer.concat([tag, bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
  };
  const sizes = Buffer.alloc(8);
  sizes.writeInt32LE(rows.length, 0);
  sizes.writeInt32LE(rows[0]!.length, 4);
  const columns = rows[0]!.flatMap((_, x) => rows.map((row) => row[x]!));
  const content = [
    element(6, Buffer.alloc(8)),
    element(5, sizes),
    element(1, Buffer.from(name)),
    element(2, Buffer.from(columns)),
  ];
  const matrix = element(14, Buffer.concat(content));
  const header = Buffer.alloc(128);
  if (!isCompressed) return Buffer.concat([header, matrix]);
  const bytes = deflateSync(matrix);
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(15, 0);
  tag.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([header, tag, bytes]);
}

describe("plugins that stand for Python data layers", () => {
  const folder = freshFolder();
  before(async () => {
    const names = ["nyud-segmentation", "lrcn-video", "mtcnn-faces"];
    await loadPlugins(names.map((name) => join(root, "examples/plugins", `${name}.js`)));
  });

  it("FCN's on NYUDv2 give colour, HHA, depth and classes of pixels", async () => {
    const at = (path: string) => join(folder(), path);
    for (const name of ["data/images", "data/hha", "data/depth", "segmentation"])
      mkdirSync(at(name), { recursive: true });
    writeFileSync(at("trainval.txt"), "5001\n5002\n");
    for (const [i, id] of ["5001", "5002"].entries()) {
      await plain(3, 2, [200, 100, 50 + i])
        .png()
        .toFile(at(`data/images/img_${id}.png`));
      await plain(3, 2, [10, 20, 30])
        .png()
        .toFile(at(`data/hha/img_${id}.png`));
      await sharp(Uint16Array.from([1000, 2000, 3000, 4000, 5000, 6000]), { raw: { width: 3, height: 2, channels: 1 } })
        .toColourspace("grey16")
        .png()
        .toFile(at(`data/depth/img_${id}.png`));
      const classes = [
        [0, 1, 2],
        [40, 5, 6],
      ];
      writeFileSync(at(`segmentation/img_${id}.mat`), matFile("segmentation", classes, i === 1));
    }
    const tops = ["color", "hha", "depth", "label"];
    const settings = `{'nyud_dir': '${folder()}', 'split': 'trainval', 'tops': ['color', 'hha', 'depth', 'label'], 'seed': 1337}`;
    await using net = await Net.load(layerOf("nyud_layers", "NYUDSegDataLayer", tops, settings), { phase: "TRAIN" });
    for (const blue of [50, 51]) {
      const { color, hha, depth, label } = await net.forward();
      expect(color!.shape).to.deep.equal([1, 3, 2, 3]);
      expect([0, 6, 12].map((i) => color!.data[i])).to.deep.equal(
        [blue - 116.19, 100 - 97.203, 200 - 92.318].map(Math.fround),
      );
      expect([0, 6, 12].map((i) => hha!.data[i])).to.deep.equal(
        [10 - 132.431, 20 - 94.076, 30 - 118.477].map(Math.fround),
      );
      expect([...depth!.data]).to.deep.equal([1, 2, 3, 4, 5, 6].map((k) => Math.fround(Math.log(1000 * k) - 7.844)));
      expect([label!.shape, [...label!.data]]).to.deep.equal([
        [1, 1, 2, 3],
        [255, 0, 1, 39, 4, 5],
      ]);
    }
  });

  it("LRCN's give clips frame after frame, with markers of where they begin", async () => {
    const videos = ["a", "b", "c"];
    for (const [i, video] of videos.entries()) {
      mkdirSync(join(folder(), "frames", video), { recursive: true });
      for (let t = 1; t <= 3; t++)
        await plain(320, 240, [20 * t, 100, 60 * i])
          .jpeg({ quality: 100 })
          .toFile(join(folder(), "frames", video, `${video}.000${t}.jpg`));
    }
    writeFileSync(join(folder(), "list.txt"), "a 7\nb 8\nc 9\n");
    const settings = `{'frames': '${folder()}/frames', 'list': '${folder()}/list.txt', 'videos': 2, 'length': 2}`;
    const tops = ["data", "label", "clip_markers"];
    for (const [name, phase] of [
      ["videoReadTest_RGB", "TEST"],
      ["videoReadTrain_RGB", "TRAIN"],
    ] as const) {
      await using net = await Net.load(layerOf("sequence_input_layer", name, tops, settings), { phase });
      const batches = [await net.forward(), await net.forward()];
      expect(batches[0]!["data"]!.shape).to.deep.equal([4, 3, 227, 227]);
      expect(batches.map(({ label }) => [...label!.data])).to.deep.equal([
        [7, 8, 7, 8],
        [9, 7, 9, 7],
      ]);
      for (const { clip_markers: markers } of batches) expect([...markers!.data]).to.deep.equal([0, 0, 1, 1]);
      const { data } = batches[0]!["data"]!;
      const [blueA, blueB] = [0, 3 * 227 * 227].map((i) => data[i]! + 103.939);
      expect([Math.abs(Math.round(blueA! / 60)), Math.round(blueB! / 60)]).to.deep.equal([0, 1]);
      // Red grows by 20 from one frame to the next.
      const red = (row: number) => data[(3 * row + 2) * 227 * 227]!;
      expect(Math.abs(red(2) - red(0) - 20)).to.be.below(4);
    }
  });

  it("MTCNN's give images, classes and boxes, -1 where there is none", async () => {
    await plain(30, 20, [255, 0, 127]).png().toFile(join(folder(), "face.png"));
    writeFileSync(join(folder(), "train.txt"), "face.png 1 0.1 -0.1 0.25 0\nface.png 0\nface.png -1 0 0 0.5 0.5\n");
    const settings = `{'list': '${folder()}/train.txt', 'root': '${folder()}', 'size': 12, 'batch_size': 3}`;
    const tops = ["data", "label", "roi"];
    await using net = await Net.load(layerOf("pythonLayer", "Data_Layer_train", tops, settings), { phase: "TRAIN" });
    const { data, label, roi } = await net.forward();
    expect([data!.shape, label!.shape, roi!.shape]).to.deep.equal([
      [3, 3, 12, 12],
      [3, 1],
      [3, 4],
    ]);
    expect([0, 144, 288].map((i) => data!.data[i])).to.deep.equal([127, 0, 255].map((x) => (x - 127.5) / 128));
    expect([...label!.data]).to.deep.equal([1, 0, -1]);
    expect([...roi!.data]).to.deep.equal([0.1, -0.1, 0.25, 0, -1, -1, -1, -1, 0, 0, 0.5, 0.5].map(Math.fround));
  });
});
