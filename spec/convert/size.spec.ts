import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { decodeWeights, readWeights, weightsOf } from "../../lib/caffe/weights.js";
import { convert } from "../../lib/convert/index.js";
import { openModelFile } from "../../lib/onnx/file.js";
import { cli } from "../support/cli.js";
import { freshFolder } from "../support/folder.js";

/** 70,000 weights: large enough to be read in their place, scaled when they are written, and put into parts of the file. */
const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 70 dim: 3 dim: 3 } } }
  layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 1000 kernel_size: 1 bias_term: false
    weight_filler { type: "xavier" } } }
  layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true
    filler { type: "uniform" min: 0.5 max: 2 } bias_filler { type: "uniform" min: -1 max: 1 } } }
  layer { name: "again" type: "Scale" bottom: "conv" top: "again" scale_param { filler { type: "uniform" min: 0.5 max: 2 } } }`;

describe("converting large weights", () => {
  const folder = freshFolder();
  const save = async () => {
    const [net, weights] = [join(folder(), "net.prototxt"), join(folder(), "net.caffemodel")];
    writeFileSync(net, NET);
    await using loaded = await Net.load(net);
    await loaded.save(weights);
    return { net, weights };
  };
  const data = { shape: [2, 70, 3, 3], data: Float32Array.from({ length: 1260 }, (_, i) => Math.sin(i)) };

  it("reads them in their place, wherever they stand in the file", async () => {
    const { weights } = await save();
    const bytes = readFileSync(weights);
    const expected = weightsOf(decodeWeights(bytes)).get("conv")![0]!.data;
    for (const shift of [0, 1, 2, 3]) {
      // An unknown field of that many bytes more in front.
      const path = join(folder(), `${shift}.caffemodel`);
      writeFileSync(path, Buffer.concat([Uint8Array.of(0x9a, 0x3f, shift), new Uint8Array(shift), bytes]));
      expect((await readWeights(path)).get("conv")![0]!.data, `${shift}`).to.deep.equal(expected);
    }
    expect(readFileSync(weights).equals(bytes)).to.equal(true);
  });

  it("does not change bytes or weights that it is given", async () => {
    const { weights } = await save();
    const bytes = readFileSync(weights);
    const before = bytes.toString("base64");
    const given = weightsOf(decodeWeights(bytes));
    const copy = given.get("conv")![0]!.data.slice();
    const { report } = await convert(NET, given);
    expect(report.verification![0]!.within).to.equal(true);
    expect(bytes.toString("base64") === before).to.equal(true);
    expect(given.get("conv")![0]!.data).to.deep.equal(copy);
  });

  it("writes the same model to a file as the API gives, and folds twice what is scaled twice", async () => {
    const { net, weights } = await save();
    const { model, report } = await convert(net, weights);
    expect(report.folded).to.deep.equal({ conv: ["scale", "again"] });
    const out = join(folder(), "net.onnx");
    expect((await cli("convert", net, weights, "-o", out)).status).to.equal(0);
    expect(readFileSync(out).equals(model)).to.equal(true);
    expect(report.bytes).to.equal(model.length);
  });

  it("gives the same outputs with the weights in a file beside the model", async () => {
    const { net, weights } = await save();
    const [one, two] = [join(folder(), "one.onnx"), join(folder(), "two.onnx")];
    await cli("convert", net, weights, "-o", one);
    const { status, stdout } = await cli("convert", net, weights, "-o", two, "--external-data");
    expect([status, stdout.includes("verified again")]).to.deep.equal([0, true]);
    expect(statSync(`${two}.data`).size).to.equal(4 * 71_000);
    await using whole = await openModelFile(one);
    await using split = await openModelFile(two);
    expect((await split.run({ data }))["again"]).to.deep.equal((await whole.run({ data }))["again"]);
  });

  it("halves scaled weights, not those before", async () => {
    const { report } = await convert(NET, (await save()).weights, { fp16: true });
    expect(report.verification![0]!.within).to.equal(true);
  });
});
