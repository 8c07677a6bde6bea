import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { loadNet } from "../../lib/caffe/load.js";
import { create, encode } from "../../lib/caffe/message.js";
import { distorted } from "../../lib/data/feed/annotated/distort.js";
import { overlapOf, projected, resizedBoxes } from "../../lib/data/feed/annotated/geometry.js";
import { cropped, expanded } from "../../lib/data/feed/annotated/pixels.js";
import { sampledPart } from "../../lib/data/feed/annotated/sample.js";
import { type Feed, feedSpec, openFeed } from "../../lib/data/feed/feed.js";
import type { FeedOptions } from "../../lib/data/feed/layer.js";
import type { Image } from "../../lib/data/image/image.js";
import { resample } from "../../lib/data/image/resample.js";
import type { Box } from "../../lib/data/source/boxes.js";
import { columnsOf } from "../../lib/data/source/columns.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { openSource } from "../../lib/data/source/open.js";
import { WHOLE } from "../../lib/data/source/source.js";
import { NetrunError } from "../../lib/error.js";
import { Net } from "../../lib/index.js";
import { random } from "../../lib/random.js";
import { freshFolder } from "../support/folder.js";
import { writeLmdb } from "../support/write-lmdb.js";

const box = (label: number, xmin: number, ymin: number, xmax: number, ymax: number, difficult = false): Box => ({
  label,
  instance: 0,
  xmin,
  ymin,
  xmax,
  ymax,
  difficult,
});

/** An AnnotatedDatum as create_annoset writes it: a group for each class. */
function annotated(datum: object, boxes: readonly Box[]): Uint8Array {
  const labels = [...new Set(boxes.map(({ label }) => label))];
  const group = (label: number) => ({
    group_label: label,
    annotation: boxes
      .filter((each) => each.label === label)
      .map(({ xmin, ymin, xmax, ymax, difficult }, instance_id) => ({
        instance_id,
        bbox: { xmin, ymin, xmax, ymax, difficult },
      })),
  });
  return encode(create("AnnotatedDatum", { datum, type: 0, annotation_group: labels.map(group) }));
}

const layer = (source: string, transform = "", samplers = "", batch = 2) => `
  layer { name: "data" type: "AnnotatedData" top: "data" top: "label" transform_param { ${transform} }
    data_param { source: "${source}" batch_size: ${batch} backend: LMDB } annotated_data_param { ${samplers} } }`;

function open(text: string, options: Partial<FeedOptions> = {}): Promise<Feed> {
  const [data] = loadNet(text).message.layer;
  return openFeed(feedSpec(data!, { phase: "TRAIN", paths: (path) => path, seed: 3, ...options }));
}

/** Whole numbers of 8 pixels: every position of a 3 x 8 x 8 image has a value of its own. */
const ramp = (height: number, width: number): Image => ({
  shape: [3, height, width],
  pixels: Uint8Array.from({ length: 3 * height * width }, (_, i) => (7 * i) % 251),
});

describe("AnnotatedData", () => {
  const folder = freshFolder();

  it("reads AnnotatedDatums, raw and encoded, into images and rows of boxes, those of no box -1", async () => {
    const path = join(folder(), "data.mdb");
    const raw = { channels: 3, height: 2, width: 2, data: ramp(2, 2).pixels };
    const png = await sharp(Buffer.from([30, 20, 10]), { raw: { width: 1, height: 1, channels: 3 } })
      .resize(2, 2)
      .png()
      .toBuffer();
    const boxes = [box(4, 0.25, 0.5, 0.75, 1), box(7, 0, 0, 0.5, 0.5, true), box(4, 0, 0, 1, 1)];
    writeLmdb(path, [
      ["0", annotated({ ...raw }, boxes)],
      ["1", annotated({ encoded: true, data: png }, [])],
    ]);
    await using feed = await open(layer(path, "scale: 0.5 mean_value: 2"));
    const { data, label } = await feed.next();
    expect(data!.shape).to.deep.equal([2, 3, 2, 2]);
    expect([...data!.data.subarray(0, 4)]).to.deep.equal([-1, 2.5, 6, 9.5]);
    expect([...data!.data.subarray(12)]).to.deep.equal([
      ...Array(4).fill(4),
      ...Array(4).fill(9),
      ...Array(4).fill(14),
    ]);
    expect(label!.shape).to.deep.equal([1, 1, 8, 8]);
    const rows = Array.from({ length: 8 }, (_, i) => [...label!.data.subarray(8 * i, 8 * i + 8)]);
    // In the order of groups, with numbers in each.
    expect(rows.slice(0, 3)).to.deep.equal([
      [0, 4, 0, 0.25, 0.5, 0.75, 1, 0],
      [0, 4, 1, 0, 0, 1, 1, 0],
      [0, 7, 0, 0, 0, 0.5, 0.5, 1],
    ]);
    expect(rows.slice(3)).to.deep.equal(Array(5).fill(Array(8).fill(-1)));
    await using source = await openSource({ kind: "lmdb", path });
    for await (const batch of source.batches(WHOLE))
      expect(Object.keys(columnsOf(batch))).to.deep.equal(["data", "boxes"]);
  });

  it("has rows of centres for each image with yolo_data_type, of parts that lack a share of each side", async () => {
    const path = join(folder(), "data.mdb");
    const raw = { channels: 3, height: 40, width: 40, data: ramp(40, 40).pixels };
    const boxes = [box(4, 0.25, 0.5, 0.75, 1), box(7, 0, 0, 0.5, 0.5, true), box(1, 0.4, 0.3, 0.6, 0.7)];
    writeLmdb(path, [
      ["0", annotated({ ...raw }, boxes)],
      ["1", annotated({ ...raw }, [])],
    ]);
    const resize = "resize_param { height: 20 width: 20 interp_mode: LINEAR }";
    const rowsOf = async (jitter: number) => {
      await using feed = await open(layer(path, resize, `yolo_data_type: 1 yolo_data_jitter: ${jitter}`));
      const { data, label } = await feed.next();
      expect(data!.shape).to.deep.equal([2, 3, 20, 20]);
      expect(label!.shape).to.deep.equal([2, 1, 8, 5]);
      return Array.from({ length: 16 }, (_, i) => [...label!.data.subarray(5 * i, 5 * i + 5)]);
    };
    const rounded = (rows: readonly (readonly number[])[]) =>
      rows.map((row) => row.map((v) => Math.round(v * 1e5) / 1e5));
    const whole = rounded(await rowsOf(0));
    // Classes count from 0; difficult boxes are none, and zeros follow.
    expect(whole.slice(0, 2)).to.deep.equal([
      [3, 0.5, 0.75, 0.5, 0.5],
      [0, 0.5, 0.5, 0.2, 0.4],
    ]);
    expect(whole.slice(2)).to.deep.equal(Array(14).fill(Array(5).fill(0)));
    const [, inner] = await rowsOf(0.3);
    // The box inside is larger in a smaller part, by at most 1 / 0.7 on each side.
    expect(inner![3]).to.be.within(0.2, 0.2 / 0.7 + 1e-5);
    expect(inner![4]).to.be.within(0.4, 0.4 / 0.7 + 1e-5);
    expect(inner!.slice(3)).to.not.deep.equal(whole[1]!.slice(3));
  });

  it("moves boxes with crops and mirrors: a white box stays white", async () => {
    const path = join(folder(), "data.mdb");
    const [height, width] = [12, 16];
    const white = (y: number, x: number) => y >= 3 && y < 9 && x >= 2 && x < 10;
    const pixels = Uint8Array.from({ length: height * width }, (_, i) =>
      white(Math.floor(i / width), i % width) ? 255 : 0,
    );
    const at = box(1, 2 / width, 3 / height, 10 / width, 9 / height);
    writeLmdb(path, [["0", annotated({ channels: 1, height, width, data: pixels }, [at])]]);
    const sampler =
      "batch_sampler { sampler { min_scale: 0.5 max_scale: 0.9 min_aspect_ratio: 0.6 max_aspect_ratio: 1.6 } max_sample: 1 max_trials: 1 }";
    const transforms = [
      "mirror: true crop_size: 8",
      "mirror: true expand_param { max_expand_ratio: 3 }",
      "mirror: true",
    ];
    for (const [i, transform] of transforms.entries()) {
      await using feed = await open(layer(path, `${transform} mean_value: 0`, i === 2 ? sampler : "", 1));
      for (let n = 0; n < 20; n++) {
        const { data, label } = await feed.next();
        const [, , h, w] = data!.shape as [number, number, number, number];
        const [item, , , xmin, ymin, xmax, ymax] = label!.data as unknown as number[];
        const seen: number[] = [];
        for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) if (data!.data[y * w + x] === 255) seen.push(y, x);
        if (seen.length === 0) continue;
        expect(item).to.equal(0);
        const ys = seen.filter((_, k) => k % 2 === 0);
        const xs = seen.filter((_, k) => k % 2 === 1);
        // Crops are at whole pixels, both their corner and their size; the parts that are sampled are not.
        const slack = i === 2 ? 2.01 : 0.01;
        expect(Math.abs(Math.min(...xs) - xmin! * w)).to.be.at.most(slack);
        expect(Math.abs(Math.max(...xs) + 1 - xmax! * w)).to.be.at.most(slack);
        expect(Math.abs(Math.min(...ys) - ymin! * h)).to.be.at.most(slack);
        expect(Math.abs(Math.max(...ys) + 1 - ymax! * h)).to.be.at.most(slack);
      }
    }
  });

  it("samples parts that meet their constraint, from sizes and aspect ratios in range", () => {
    const boxes = [box(1, 0.1, 0.1, 0.4, 0.5), box(2, 0.6, 0.5, 0.9, 0.9)];
    const draws = random(1, 2);
    const whole = {
      scale: [0.3, 1],
      aspect: [0.5, 2],
      overlap: {},
      sampleCoverage: {},
      objectCoverage: {},
      trials: 50,
    } as const;
    for (const least of [0.1, 0.3, 0.5]) {
      for (let i = 0; i < 50; i++) {
        const part = sampledPart(draws, [{ ...whole, overlap: { least }, most: 1 }], boxes);
        if (!part) continue;
        expect(Math.max(...boxes.map((each) => overlapOf(part, each)))).to.be.at.least(least);
        const [w, h] = [part.xmax - part.xmin, part.ymax - part.ymin];
        expect(Math.sqrt(w * h)).to.be.within(0.3 - 1e-9, 1 + 1e-9);
        expect(w / h).to.be.within(0.5 - 1e-9, 2 + 1e-9);
        expect(Math.min(part.xmin, part.ymin, 1 - part.xmax, 1 - part.ymax)).to.be.at.least(-1e-9);
      }
      expect(sampledPart(draws, [{ ...whole, overlap: { least } }], boxes), String(least)).to.not.equal(undefined);
    }
    expect(sampledPart(draws, [{ ...whole, overlap: { least: 1 } }], boxes)).to.equal(undefined);
    const covers = sampledPart(draws, [{ ...whole, objectCoverage: { least: 1 } }], boxes)!;
    expect(boxes.some(({ xmin, xmax }) => covers.xmin <= xmin && covers.xmax >= xmax)).to.equal(true);
  });

  it("keeps boxes by their centre or by what a part covers of them, and without a constraint all that meet it", () => {
    const boxes = [box(1, 0.4, 0.4, 0.8, 0.8), box(2, 0, 0, 0.3, 0.3)];
    const part = { xmin: 0, ymin: 0, xmax: 0.5, ymax: 0.5 };
    const labels = (emit: Parameters<typeof projected>[2]) => projected(boxes, part, emit).map(({ label }) => label);
    expect(labels(undefined)).to.deep.equal([1, 2]);
    expect(labels({ by: "centre" })).to.deep.equal([2]);
    expect(labels({ by: "coverage", above: 0.05 })).to.deep.equal([1, 2]);
    expect(labels({ by: "coverage", above: 0.07 })).to.deep.equal([2]);
    expect(projected([boxes[0]!], part, undefined)[0]).to.deep.include({ xmin: 0.8, ymin: 0.8, xmax: 1, ymax: 1 });
  });

  it("resizes to one size, or keeps the aspect ratio and moves the boxes with it", () => {
    const spec = { probability: 1, height: 10, width: 20, fill: "constant", values: [], interpolations: [] } as const;
    const half = box(1, 0, 0.5, 0.5, 1);
    expect(resizedBoxes([half], { ...spec, fit: "warp" }, { height: 7, width: 3 })).to.deep.equal([half]);
    // A square in an image twice as wide takes its middle half.
    const [moved] = resizedBoxes([half], { ...spec, fit: "inside" }, { height: 30, width: 30 });
    expect(moved).to.deep.include({ xmin: 0.25, ymin: 0.5, xmax: 0.5, ymax: 1 });
    const [wide] = resizedBoxes([half], { ...spec, fit: "inside" }, { height: 10, width: 40 });
    expect(wide).to.deep.include({ xmin: 0, ymin: 0.5, xmax: 0.5, ymax: 0.75 });
  });

  it("resizes each batch in one of several ways, as often as their prob says", async () => {
    const path = join(folder(), "data.mdb");
    const raw = { channels: 3, height: 4, width: 4, data: ramp(4, 4).pixels };
    writeLmdb(path, [["0", annotated({ ...raw }, [box(1, 0, 0, 1, 1)])]]);
    const ways = (first: number, second: number) =>
      `resize_param { prob: ${first} height: 4 width: 4 } resize_param { prob: ${second} height: 6 width: 8 }`;
    const sides = async () => {
      await using feed = await open(layer(path, ways(0.75, 0.25)));
      const found: number[] = [];
      for (let i = 0; i < 200; i++) found.push((await feed.next())["data"]!.shape[2]!);
      return found;
    };
    const found = await sides();
    expect(found.filter((side) => side === 6).length).to.be.within(30, 70);
    expect(await sides(), "the same again").to.deep.equal(found);
    const error = await Promise.resolve()
      .then(() => open(layer(path, ways(0.5, 0.2))))
      .catch((reason: NetrunError) => reason);
    expect((error as NetrunError).message).to.contain("prob of 2 resize_param add up to 0.7");
  });

  it("crops and expands at whole pixels, in the mean's colour", () => {
    const image = ramp(4, 6);
    const part = cropped(image, { xmin: 0.35, ymin: 0.25, xmax: 0.85, ymax: 0.99 });
    expect(part.shape).to.deep.equal([3, 2, 3]);
    expect([...part.pixels.subarray(0, 3)]).to.deep.equal([...image.pixels.subarray(6 + 2, 6 + 5)]);
    const larger = expanded(random(4), image, { probability: 1, greatest: 3 }, [9.4, 8, 300])!;
    const { xmin, ymin, xmax, ymax } = larger.part;
    const [, height, width] = larger.image.shape;
    expect([height / 4, width / 6]).to.deep.equal([ymax - ymin, xmax - xmin]);
    const at = Math.round(-ymin * 4) * width - Math.round(xmin * 6);
    expect([...larger.image.pixels.subarray(at, at + 6)]).to.deep.equal([...image.pixels.subarray(0, 6)]);
    const planes = [0, 1, 2].map((c) => larger.image.pixels[(c + 1) * height * width - 1]);
    if (ymax > 1) expect(planes).to.deep.equal([9, 8, 255]);
  });

  it("distorts colours by what is asked, and not where nothing is", () => {
    const image = ramp(8, 8);
    const none = { probability: 0, range: [0, 0] } as const;
    const off = { brightness: none, contrast: none, saturation: none, hue: none, order: 0 };
    expect(distorted(random(1), image, off)).to.deep.equal(image);
    const brighter = distorted(random(1), image, { ...off, brightness: { probability: 1, range: [20, 20] } });
    expect([...brighter.pixels]).to.deep.equal([...image.pixels].map((value) => Math.min(255, value + 20)));
    const harder = distorted(random(1), image, { ...off, contrast: { probability: 1, range: [1.5, 1.5] } });
    expect(harder.pixels[1]).to.equal(10);
    const grey = distorted(random(1), image, { ...off, saturation: { probability: 1, range: [0, 0] } });
    expect([...grey.pixels.subarray(0, 64)]).to.deep.equal([...grey.pixels.subarray(64, 128)]);
    // A third of the circle moves each colour to the next one.
    const turned = distorted(
      random(1),
      { shape: [3, 1, 1], pixels: Uint8Array.of(0, 0, 200) },
      { ...off, hue: { probability: 1, range: [60, 60] } },
    );
    expect([...turned.pixels]).to.deep.equal([0, 200, 0]);
    const back = distorted(random(1), image, { ...off, hue: { probability: 1, range: [0, 0] } });
    expect(Math.max(...back.pixels.map((value, i) => Math.abs(value - image.pixels[i]!)))).to.be.at.most(5);
    const mixed = distorted(random(2), image, { ...off, order: 1 });
    expect([...mixed.pixels].sort()).to.deep.equal([...image.pixels].sort());
  });

  it("interpolates in each way that OpenCV has", () => {
    const flat: Image = { shape: [1, 5, 7], pixels: new Uint8Array(35).fill(100) };
    for (const by of ["area", "nearest", "cubic", "lanczos4"] as const) {
      expect(new Set(resample(flat, 3, 4, by).pixels), by).to.deep.equal(new Set([100]));
      expect(new Set(resample(flat, 9, 11, by).pixels), by).to.deep.equal(new Set([100]));
    }
    const step: Image = { shape: [1, 1, 6], pixels: Uint8Array.of(0, 0, 0, 240, 240, 240) };
    expect([...resample(step, 1, 2, "area").pixels]).to.deep.equal([0, 240]);
    expect([...resample(step, 1, 4, "area").pixels]).to.deep.equal([0, 0, 240, 240]);
    expect([...resample(step, 1, 3, "nearest").pixels]).to.deep.equal([0, 0, 240]);
    // By hand: a = -0.75 at distances 1.25, 0.25, 0.75, 1.75 of the place 2.25.
    const w = [-0.10546875, 0.87890625, 0.26171875, -0.03515625];
    expect(resample(step, 1, 12, "cubic").pixels[5]).to.equal(Math.round(240 * (w[2]! + w[3]!)));
  });

  it("reads lists of images and PASCAL VOC's annotations, as create_annoset does", async () => {
    const put = (name: string, text: string) => writeFileSync(join(folder(), name), text);
    const object = (name: string, corners: readonly number[], difficult = 0) =>
      `<object><name>${name}</name><difficult>${difficult}</difficult><part><name>head</name></part>
       <bndbox><xmax>${corners[2]}</xmax><xmin>${corners[0]}</xmin><ymin>${corners[1]}</ymin><ymax>${corners[3]}</ymax></bndbox></object>`;
    const size = "<size><width>40</width><height>20</height><depth>3</depth></size>";
    const objects = [object("dog", [10, 5, 20, 20]), object("cat", [0, 0, 4, 2], 1), object("dog", [0, 0, 40, 20])];
    put("a.xml", `<annotation>${size}${objects.join("")}</annotation>`);
    put("b.xml", `<annotation>${size}${object("cow", [0, 0, 1, 1])}</annotation>`);
    put("map.prototxt", 'item { name: "cat" label: 7 } item { name: "dog" label: 2 display_name: "Dog" }');
    put("list.txt", "a.png a.xml\na.png b.xml\n");
    await sharp({ create: { width: 40, height: 20, channels: 3, background: "red" } })
      .png()
      .toFile(join(folder(), "a.png"));
    const list = join(folder(), "list.txt");
    await using feed = await open(layer(list, "", "", 1), {
      data: detectSource(`${list}?labels=${join(folder(), "map.prototxt")}`),
    });
    const { data, label } = await feed.next();
    expect(data!.shape).to.deep.equal([1, 3, 20, 40]);
    const rows = [0, 1, 2].map((i) => [...label!.data.subarray(8 * i, 8 * i + 8)]);
    expect(rows).to.deep.equal([
      [0, 2, 0, 0.25, 0.25, 0.5, 1, 0],
      [0, 2, 1, 0, 0, 1, 1, 0],
      [0, 7, 0, 0, 0, Math.fround(0.1), Math.fround(0.1), 1],
    ]);
    const error: unknown = await feed.next().catch((reason: unknown) => reason);
    expect(String((error as NetrunError).message))
      .to.contain("list.txt:2: ")
      .and.to.contain('the label map has no "cow"');
    expect(() => detectSource(list)).to.throw("whose classes have numbers in a label map");
    expect(() => detectSource(`${list}?labels=map.prototxt&root=/nowhere`)).to.throw("the first is not there: a.png");
  });

  it("refuses what it does not do and what contradicts itself, where it stands", async () => {
    const path = join(folder(), "data.mdb");
    writeLmdb(path, [
      ["0", annotated({ channels: 3, height: 2, width: 2, data: ramp(2, 2).pixels }, [box(5, 0, 0, 1, 1)])],
    ]);
    const why = async (transform: string, samplers = "") => {
      try {
        await using feed = await open(layer(path, transform, samplers));
        await feed.next();
      } catch (error) {
        return (error as NetrunError).format();
      }
      return "";
    };
    expect(await why("resize_param { height: 3 }")).to.contain("resize_param needs height and width");
    expect(await why("expand_param { max_expand_ratio: 0.5 }")).to.contain("it is at least 1");
    expect(await why("", "batch_sampler { sampler { min_scale: 0 } }")).to.contain("scales go from 0 to 1");
    expect(await why("crop_size: 5")).to.contain('record 0 (key "0"): crop_size 5 is larger');
    const net = `${layer(path)} layer { name: "x" type: "DummyData" top: "o" top: "c" top: "p" dummy_data_param {
        shape { dim: 2 dim: 8 } shape { dim: 2 dim: 6 } shape { dim: 1 dim: 2 dim: 8 } } }
      layer { name: "loss" type: "MultiBoxLoss" bottom: "o" bottom: "c" bottom: "p" bottom: "label" top: "loss" multibox_loss_param { num_classes: 3 } }`;
    await using loaded = await Net.load(net, { phase: "TRAIN" });
    const error = await loaded.forward().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(NetrunError);
    expect(String((error as NetrunError).message)).to.contain('the label 5 is out of range: layer "loss" takes 0 to 2');
    const plain = layer(path, "resize_param { height: 3 width: 3 }")
      .replace("AnnotatedData", "Data")
      .replace(/annotated_data_param.*/, "}");
    expect(() => open(plain)).to.throw("Data layers do not take resize_param here");
  });
});
