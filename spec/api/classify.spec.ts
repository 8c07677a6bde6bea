import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { type ClassifyOptions, classify, Net, setLimits } from "../../lib/index.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

/** Its scores are its input. */
const MODEL = `
  layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 2 dim: 2 } } }
  layer { name: "scores" type: "Flatten" bottom: "data" top: "scores" }`;

describe("classify", () => {
  const folder = freshFolder();

  async function image(side: number, values: readonly number[]): Promise<string> {
    const path = join(folder(), `${side}-${values.length}.png`);
    await sharp(Uint8Array.from(values), { raw: { width: side, height: side, channels: 1 } })
      .png()
      .toFile(path);
    return path;
  }

  async function scores(path: string, options: ClassifyOptions = {}) {
    await using net = await Net.load(MODEL);
    const all = [];
    for await (const each of classify(net, [path], options)) all.push(each);
    expect(all.map((each) => each.image)).to.deep.equal([path]);
    return all[0]!.predictions;
  }

  it("gives the greatest scores, those first", async () => {
    expect(await scores(await image(2, [10, 40, 20, 30]), { top: 2 })).to.deep.equal([
      { index: 1, score: 40 },
      { index: 3, score: 30 },
    ]);
  });

  it("inverts pixels, then subtracts the mean, then scales", async () => {
    const [first] = await scores(await image(2, [10, 20, 30, 40]), { invert: true, mean: [5], scale: 0.5, top: 1 });
    expect(first).to.deep.equal({ index: 0, score: (255 - 10 - 5) / 2 });
  });

  it("means over corners, centre and mirrors to oversample", async () => {
    const path = await image(3, [0, 10, 20, 30, 40, 50, 60, 70, 80]);
    const means = await scores(path, { oversample: true, resize: [3, 3] });
    const byIndex = means.toSorted((a, b) => a.index - b.index).map(({ score }) => Math.round(score * 1e3) / 1e3);
    // Pixel 0 of the crops: 0, 10, 30, 40 and again 0 of the centre, mirrored 10, 20, 40, 50, 10; pixel 2 is a row below.
    expect(byIndex).to.deep.equal([21, 21, 51, 51]);
  });

  it("refuses a mean of other channels, a smaller size and a blob that is not there", async () => {
    const path = await image(2, [1, 2, 3, 4]);
    await failure(scores(path, { mean: [1, 2] }), "2 mean values for 1 channels: give one, or one each");
    await failure(scores(path, { resize: [1, 2] }), "resize 1,2 is smaller than the net's input, 2,2");
    await failure(scores(path, { output: "prob" }), 'the net has no blob "prob"');
  });

  it("names the image that is wrong, with the notes on what to do", async () => {
    const path = join(folder(), "bad.png");
    writeFileSync(path, "no image");
    await failure(scores(path), `${path}: `);
    const large = await image(
      512,
      Array.from({ length: 512 * 512 }, () => 7),
    );
    // Enough for the net's messages.
    setLimits({ maxAlloc: 100_000 });
    try {
      await failure(scores(large), `${large}: `);
      await failure(scores(large), "raise the limit: --max-alloc");
    } finally {
      setLimits({ maxAlloc: 2 ** 30 });
    }
  });
});
