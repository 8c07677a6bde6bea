import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { Classifier, loadImage, Net, Transformer } from "../../lib/index.js";
import { freshFolder } from "../support/folder.js";

const image = (shape: readonly [number, number, number], of = (i: number) => i) => ({
  shape,
  data: Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, i) => of(i)),
});

describe("Transformer", () => {
  const folder = freshFolder();

  it("applies its steps in pycaffe's order", () => {
    const transformer = new Transformer({ data: [10, 3, 2, 2] });
    transformer.setTranspose("data", [2, 0, 1]);
    transformer.setChannelSwap("data", [2, 1, 0]);
    transformer.setRawScale("data", 255);
    transformer.setMean("data", [100, 110, 120]);
    transformer.setInputScale("data", 0.5);
    const given = image([2, 2, 3], (i) => i / 12);
    const { shape, data } = transformer.preprocess("data", given);
    expect(shape).to.deep.equal([3, 2, 2]);
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < 4; i++) {
        const pixel = given.data[3 * i + 2 - c]! * 255;
        expect(data[4 * c + i]).to.be.closeTo((pixel - [100, 110, 120][c]!) * 0.5, 1e-4);
      }
    const back = transformer.deprocess("data", { shape: [1, ...shape], data });
    expect(back.shape).to.deep.equal([2, 2, 3]);
    back.data.forEach((value, i) => {
      expect(value).to.be.closeTo(given.data[i]!, 1e-6);
    });
  });

  it("subtracts a mean image, resized to the input where it has another size", () => {
    const transformer = new Transformer({ data: [1, 1, 2, 2] });
    transformer.setTranspose("data", [2, 0, 1]);
    transformer.setMean("data", { shape: [1, 2, 2], data: Float32Array.of(1, 2, 3, 4) });
    expect([...transformer.preprocess("data", image([2, 2, 1])).data]).to.deep.equal([-1, -1, -1, -1]);
    // Halves: each target pixel's centre is between four of the source's.
    transformer.setMean("data", { shape: [1, 4, 4], data: Float32Array.from({ length: 16 }, (_, i) => i) });
    const zero = image([2, 2, 1], () => 0);
    expect([...transformer.preprocess("data", zero).data]).to.deep.equal([-2.5, -4.5, -10.5, -12.5]);
  });

  it("resizes between pixel centres, with the least value outside", () => {
    const transformer = new Transformer({ data: [1, 1, 2, 4] });
    transformer.setTranspose("data", [2, 0, 1]);
    // 1 x 2 to 2 x 4: centres at -0.25 and 0.25 down, -0.25, 0.25, 0.75 and 1.25 across.
    const { data } = transformer.preprocess(
      "data",
      image([1, 2, 1], (i) => 4 * i),
    );
    const across = [0, 1, 3, 3];
    expect([...data]).to.deep.equal([...across, ...across].map((value) => 0.75 * value));
  });

  it("refuses what does not fit", () => {
    expect(() => new Transformer({ label: [10] })).to.throw('input "label" is [10], where images');
    const transformer = new Transformer({ data: [1, 3, 2, 2] });
    expect(() => transformer.setMean("dat", [1, 2, 3])).to.throw('"dat" is no input of this transformer: data');
    expect(() => transformer.setMean("data", [1, 2])).to.throw('2 mean values for the 3 channels of "data"');
    expect(() => transformer.setTranspose("data", [0, 0, 1])).to.throw("the transpose [0,0,1] is no order");
    expect(() => transformer.setChannelSwap("data", [0, 1])).to.throw("no order of the 3 channels");
    expect(() => transformer.setRawScale("data", Number.NaN)).to.throw("the raw scale is NaN");
    transformer.setChannelSwap("data", [2, 1, 0]);
    expect(() => transformer.preprocess("data", image([2, 2, 3]))).to.throw("set the transpose to [2, 0, 1]");
  });

  it("takes images that loadImage reads: RGB from 0 to 1", async () => {
    const path = join(folder(), "red.png");
    const pixels = Uint8Array.of(255, 51, 0, 0, 0, 102);
    await sharp(pixels, { raw: { width: 2, height: 1, channels: 3 } })
      .png()
      .toFile(path);
    const { shape, data } = await loadImage(path);
    expect(shape).to.deep.equal([1, 2, 3]);
    expect([...data]).to.deep.equal([...pixels].map((value) => Math.fround(value / 255)));
    expect((await loadImage(path, false)).shape).to.deep.equal([1, 2, 1]);
  });
});

describe("Classifier", () => {
  const folder = freshFolder();
  const MODEL = `name: "scores" layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 2 dim: 2 } } }
    layer { name: "s" type: "InnerProduct" bottom: "data" top: "s" inner_product_param { num_output: 4 bias_term: false } }`;

  it("gives the centre's scores, or the mean over ten crops", async () => {
    const weights = join(folder(), "scores.caffemodel");
    await using net = await Net.load(MODEL);
    net.params.get("s")![0]!.data.set([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
    await net.save(weights);
    await using classifier = await Classifier.load(MODEL, weights, { imageDims: [4, 4], rawScale: 10, mean: [1] });
    const given = image([4, 4, 1]);
    const [centre] = await classifier.predict([given], false);
    expect([...centre!]).to.deep.equal([5, 6, 9, 10].map((value) => 10 * value - 1));
    const [mean, other] = await classifier.predict([given, image([4, 4, 1], () => 1)]);
    // Each crop beside its mirror: columns are averaged, and rows of the five over their tops (0, 0, 2, 2, 1).
    const row = (y: number) => 10 * ([0, 0, 2, 2, 1].reduce((sum, top) => sum + 4 * (top + y), 0) / 5 + 1.5) - 1;
    mean!.forEach((value, i) => {
      expect(value).to.be.closeTo(row(Math.floor(i / 2)), 1e-4);
    });
    other!.forEach((value) => {
      expect(value).to.be.closeTo(9, 1e-4);
    });
  });
});
