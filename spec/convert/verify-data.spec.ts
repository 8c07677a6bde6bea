import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { convert } from "../../lib/convert/index.js";
import { saveRows } from "../../lib/data/source/table/save.js";
import { cli } from "../support/cli.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

/** Scores are the two halves' sums: class 0 where the first half is greater. */
const net = (input: string) => `${input}
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 bias_term: false } }
  layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }`;
const deploy = net(`input: "data" input_shape { dim: 1 dim: 4 }`);
const weights = new Map([["ip", [{ shape: [2, 4], data: Float32Array.of(1, 1, 0, 0, 0, 0, 1, 1) }]]]);

/** Classes by turns; every fifth is told wrong. */
const rows = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    data: i % 2 === 0 ? [1, 1, 0, 0] : [0, 0, 1, 1],
    label: i % 5 === 0 ? 1 - (i % 2) : i % 2,
  }));

describe("convert, verifying on data", () => {
  const folder = freshFolder();
  const save = async (count: number) => {
    const path = join(folder(), "rows.arrow");
    await saveRows(path, rows(count));
    return path;
  };

  it("runs rows of the data through both, and reports the accuracy of each", async () => {
    const { report } = await convert(deploy, weights, { verify: await save(100) });
    expect(report.verification!.map(({ output, within }) => [output, within])).to.deep.equal([["prob", true]]);
    expect(report.accuracy).to.deep.equal([{ output: "prob", rows: 100, net: 0.8, file: 0.8 }]);
  });

  it("counts each row once, also where the batch size is fixed and does not divide their number", async () => {
    const { report } = await convert(deploy, weights, { verify: await save(10), batch: 7 });
    expect(report.accuracy).to.deep.equal([{ output: "prob", rows: 10, net: 0.8, file: 0.8 }]);
  });

  it("takes as many batches as asked for, from all over the data", async () => {
    const { report } = await convert(deploy, weights, { verify: await save(1000), verifyBatches: 2 });
    expect(report.accuracy[0]!.rows).to.equal(32);
  });

  it("feeds a train_val net through its data layer's transform, with labels that no input needs", async () => {
    const input = `layer { name: "data" type: "Data" top: "data" top: "label" transform_param { scale: 0.5 mean_value: 1 } data_param { batch_size: 9 } }`;
    const { report } = await convert(net(input), weights, { verify: await save(20), shapes: { data: [1, 4] } });
    expect(report.accuracy[0]).to.deep.include({ rows: 20, net: 0.8 });
  });

  it("refuses data that is missing or of other shapes, naming both", async () => {
    const path = await save(3);
    await failure(convert(deploy, weights, { verify: "nowhere.arrow" }), "nowhere.arrow");
    const image = net(`input: "data" input_shape { dim: 1 dim: 1 dim: 2 dim: 3 }`);
    const wide = new Map([["ip", [{ shape: [2, 6], data: new Float32Array(12) }]]]);
    await failure(
      convert(image, wide, { verify: path }),
      `rows of the data are [4], the net's input "data" is [1,1,2,3]`,
    );
  });

  it("is --verify on the command line, where a number is one of random batches", async () => {
    const path = await save(40);
    const [prototxt, model, out] = ["net.prototxt", "w.caffemodel", "m.onnx"].map((name) => join(folder(), name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(prototxt, deploy);
    await using loaded = await Net.load(prototxt);
    loaded.params.get("ip")![0]!.data.set(weights.get("ip")![0]!.data);
    await loaded.save(model);
    const run = (...flags: string[]) => cli("convert", prototxt, model, "-o", out, ...flags);
    const onData = await run("--verify", path, "--verify-batches", "1");
    expect(onData.stdout).to.include("  top-1    prob: 0.7500 of the net, 0.7500 of the file, on 16 rows");
    const onNoise = await run("--verify", "3");
    expect([onNoise.status, onNoise.stdout.includes("verified prob")]).to.deep.equal([0, true]);
    expect((await run("--verify", "0")).stdout).to.include("not verified");
    expect((await run("--verify", join(folder(), "nothing"))).status).to.equal(1);
  });
});
