import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { decodeImage, encodePng } from "../../lib/data/image/image.js";
import { drawShapes, SHAPES_SIZE } from "../../lib/data/source/shapes/draw.js";
import { type Detected, detect, Net } from "../../lib/index.js";
import { cli } from "../support/cli.js";
import { freshFolder } from "../support/folder.js";
import { inputLayer } from "../support/net.js";

/** Detects the mean brightness: a prior in each corner of the image, whose score is that of its quarter. */
const NET = `
  ${inputLayer("data", 1, 3, 8, 8)}
  layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" pooling_param { pool: AVE kernel_size: 4 stride: 4 } }
  layer { name: "conf" type: "Convolution" bottom: "pool" top: "conf"
    convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "constant" value: 0.33333334 } bias_term: false } }
  layer { name: "rows" type: "Permute" bottom: "conf" top: "rows" permute_param { order: 0 order: 2 order: 3 order: 1 } }
  layer { name: "flat" type: "Flatten" bottom: "rows" top: "flat" }
  layer { name: "prior" type: "PriorBox" bottom: "pool" bottom: "data" top: "prior" prior_box_param { min_size: 4 } }
  layer { name: "offsets" type: "Convolution" bottom: "pool" top: "offsets" convolution_param { num_output: 4 kernel_size: 1 } }
  layer { name: "loc" type: "Flatten" bottom: "offsets" top: "loc" }
  layer { name: "found" type: "DetectionOutput" bottom: "loc" bottom: "flat" bottom: "prior" top: "found"
    detection_output_param { num_classes: 2 code_type: CENTER_SIZE nms_param { nms_threshold: 0.45 } keep_top_k: 20 confidence_threshold: 0.01 } }`;

describe("detect", () => {
  const folder = freshFolder();
  const file = (name: string) => join(folder(), name);

  /** An image of 40 x 20, white in its upper right quarter and grey below. */
  async function write(name: string): Promise<string> {
    const pixels = Buffer.alloc(40 * 20 * 3, 0);
    for (let y = 0; y < 20; y++)
      for (let x = 20; x < 40; x++) pixels.fill(y < 10 ? 255 : 102, 3 * (y * 40 + x), 3 * (y * 40 + x) + 3);
    await sharp(pixels, { raw: { width: 40, height: 20, channels: 3 } })
      .png()
      .toFile(file(name));
    return file(name);
  }

  it("gives labels, scores and boxes in pixels of the image, the greatest scores first", async () => {
    const image = await write("a.png");
    await using net = await Net.load(NET);
    const all: Detected[] = [];
    for await (const each of detect(net, [image], { scale: 1 / 255, minScore: 0.3 })) all.push(each);
    expect(all).to.have.length(1);
    const [{ width, height, detections }] = all as [Detected];
    expect([width, height]).to.deep.equal([40, 20]);
    expect(detections.map(({ label }) => label)).to.deep.equal([1, 1]);
    expect(detections.map(({ score }) => Number(score.toFixed(3)))).to.deep.equal([1, 0.4]);
    expect(detections[0]!.box.map(Math.round)).to.deep.equal([20, 0, 40, 10]);
    expect(detections[1]!.box.map(Math.round)).to.deep.equal([20, 10, 40, 20]);
    const few: number[] = [];
    for await (const each of detect(net, [image], { scale: 1 / 255, top: 1, minScore: 0 }))
      few.push(each.detections.length);
    expect(few).to.deep.equal([1]);
  });

  it("prints and draws them, in a file or a folder, with names of a list or of a label map", async () => {
    const [one, two] = [await write("a.png"), await write("b.png")];
    writeFileSync(file("net.prototxt"), NET);
    await using net = await Net.load(NET);
    await net.save(file("w.caffemodel"));
    writeFileSync(
      file("map.prototxt"),
      'item { name: "none_of_the_above" label: 0 display_name: "background" }\nitem { name: "n1" label: 1 display_name: "lamp" }',
    );
    const run = (...words: string[]) =>
      cli(
        "detect",
        ...words,
        "--model",
        file("net.prototxt"),
        "--weights",
        file("w.caffemodel"),
        "--scale",
        "0.00392157",
        "--labels",
        file("map.prototxt"),
      );
    const { stdout } = await run(one, "-o", file("found.png"));
    expect(stdout).to.equal(
      [
        `---------- Detections in ${one} ----------`,
        '1.0000 - "lamp" from 20.0,0.0 to 40.0,10.0',
        `drawn in ${file("found.png")}`,
        "",
      ].join("\n"),
    );
    const { pixels, shape } = await decodeImage(readFileSync(file("found.png")), "color");
    expect(shape).to.deep.equal([3, 20, 40]);
    const at = (y: number, x: number) => [0, 1, 2].map((c) => pixels[(c * 20 + y) * 40 + x]);
    expect(at(0, 20)).to.deep.equal([60, 220, 60]);
    expect(at(9, 39)).to.deep.equal([60, 220, 60]);
    expect(at(5, 30)).to.deep.equal([255, 255, 255]);
    expect(at(5, 10)).to.deep.equal([0, 0, 0]);
    const json = JSON.parse((await run(one, two, "--json", "-o", file("all"), "--min-score", "0.3")).stdout);
    expect(json.map((each: { drawn: string }) => each.drawn)).to.deep.equal([
      join(file("all"), "a.png"),
      join(file("all"), "b.png"),
    ]);
    expect(json[0].detections[0]).to.deep.include({ label: 1, name: "lamp" });
    expect(existsSync(join(file("all"), "b.png"))).to.equal(true);
    expect((await run(one, two, "-o", file("found.png"))).stderr).to.contain("is one file for 2 images");
  });

  it("says what a net without detections has", async () => {
    await using net = await Net.load(
      `${inputLayer("data", 1, 3, 8, 8)} layer { name: "r" type: "ReLU" bottom: "data" top: "r" }`,
    );
    const all = detect(net, [await write("a.png")]);
    const error: unknown = await all.next().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(String(error)).to.contain('"r" [1,3,8,8] is not rows of detections');
  });

  it("reads what encodePng writes", async () => {
    const image = { shape: [3, SHAPES_SIZE, SHAPES_SIZE], pixels: drawShapes(2, 0).pixels } as const;
    expect(await decodeImage(await encodePng(image), "color")).to.deep.equal(image);
  });
});
