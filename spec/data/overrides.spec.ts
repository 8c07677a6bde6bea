import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { detectSource } from "../../lib/data/source/detect.js";
import { convert, create, encode, extract, Net, type NetOptions, NetrunError, Solver, train } from "../../lib/index.js";
import { freshFolder } from "../support/folder.js";

/** A net of digits that names a mean file which nobody has. */
const NET = `
  layer { name: "data" type: "Data" top: "data" top: "label" data_param { source: "nowhere" batch_size: 2 }
    transform_param { mean_file: "data/ilsvrc12/imagenet_mean.binaryproto" scale: 0.5 } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }`;

async function pixels(transform?: NetOptions["transform"]): Promise<Float32Array> {
  const given = transform === undefined ? {} : { transform };
  await using net = await Net.load(NET, { data: "netrun:digits/test", ...given });
  return (await net.forward())["data"]!.data;
}

async function refusal(work: Promise<unknown>): Promise<NetrunError> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).to.be.instanceOf(NetrunError);
  return error as NetrunError;
}

describe("a transform in place of the net's", () => {
  const folder = freshFolder();

  it("is named where the net's mean file is missing", async () => {
    const { message, notes } = await refusal(pixels());
    expect(message).to.contain("no such file: data/ilsvrc12/imagenet_mean.binaryproto");
    for (const flag of ["--mean-file", "--mean-value", "--no-mean", "--scale", "--crop-size"])
      expect(notes.at(-1)).to.contain(flag);
  });

  it("subtracts no mean, given values or a given image, and scales and crops as it says", async () => {
    const plain = await pixels({ noMean: true, scale: 1 });
    expect(await pixels({ noMean: true })).to.deep.equal(plain.map((value) => value / 2));
    expect(await pixels({ meanValues: [100], scale: 1 })).to.deep.equal(plain.map((value) => value - 100));
    const path = join(folder(), "mean.binaryproto");
    const data = Array<number>(28 * 28).fill(7);
    writeFileSync(path, encode(create("BlobProto", { num: 1, channels: 1, height: 28, width: 28, data })));
    expect(await pixels({ meanFile: path, scale: 1 })).to.deep.equal(plain.map((value) => value - 7));
    expect(await pixels({ noMean: true, cropSize: 8 })).to.have.length(2 * 64);
  });

  it("has one mean", async () => {
    const { message } = await refusal(pixels({ noMean: true, meanValues: [1] }));
    expect(message).to.equal("several means are asked for");
  });
});

describe("numbers in options", () => {
  const load = (options: object) =>
    Net.load(NET, { data: "netrun:digits/test", transform: { noMean: true }, ...options });

  it("of nets are whole and in range", async () => {
    expect((await refusal(load({ batchSize: 1.5 }))).message).to.match(/^batchSize is 1.5; it must be a whole number/);
    expect((await refusal(load({ threads: "2" }))).message).to.match(/^threads is "2"; it must be a whole number/);
    expect((await refusal(load({ seed: Number.NaN }))).message).to.match(/^seed is NaN; it must be a whole number/);
    expect((await refusal(load({ transform: { scale: Number.NaN } }))).message).to.equal(
      "scale is NaN; it must be a number",
    );
    for (const [given, message] of [
      [{ phase: "test" }, 'phase is "test"; it must be one of TRAIN, TEST'],
      [{ level: 0.5 }, "level is 0.5; it must be a whole number"],
      [{ stages: "deploy" }, 'stages is "deploy"; it must be a list of texts'],
      [{ shapes: { data: [1, 1, 28, Number.NaN] } }, "shapes.data is [1, 1, 28, NaN]; it must be a list of whole"],
      [{ shapes: [1, 1, 28, 28] }, "shapes is [1, 1, 28, 28]; it must be an object with a shape for each blob"],
      [{ threads: null }, "threads is null; it must be a whole number of threads from 1 to 1024"],
      [{ portable: "no" }, 'portable is "no"; it must be true or false'],
      [{ transform: null }, "options are null, no object"],
      [{ weights: [3] }, "a path must be a text, not 3"],
    ] as const) {
      expect((await refusal(load(given))).message).to.include(message);
    }
    const options = { model: NET, blobs: ["ip"], data: "netrun:digits/test", iterations: 1.5 };
    expect((await refusal(extract(options).next())).message).to.match(/^iterations is 1.5; it must be a whole number/);
  });

  it("of solvers are whole and in range", async () => {
    const settings = { base_lr: 0.1, lr_policy: "fixed", max_iter: 2, snapshot_after_train: false };
    const text = `net_param { layer { name: "d" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2 dim: 3 } } }
      layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2 } }
      layer { name: "loss" type: "Reduction" bottom: "ip" top: "loss" loss_weight: 1 } }`;
    const solver = (options: object, more: object = {}) =>
      Solver.load(text, { ...options, settings: { ...settings, ...more } });
    expect((await refusal(solver({}, { max_iter: 1.5 }))).message).to.match(/^max_iter is 1.5; it must be a whole/);
    expect((await refusal(solver({}, { type: 3 }))).message).to.equal("type is 3; it must be a text");
    expect((await refusal(solver({ workers: 2, alpha: 0.5 }))).message).to.match(/^alpha has no effect/);
    const nan = await refusal(Solver.load(`base_lr: nan lr_policy: "fixed" ${text}`));
    expect(nan.format()).to.match(/^<text>:1:10: base_lr is NaN, no number to train with/);
    expect((await refusal(solver({ level: "1" }))).message).to.match(/^level is "1"; it must be a whole number/);
    expect((await refusal(solver({ workers: 2, syncInterval: 1e300 }))).message).to.equal(
      "a sync interval of 1e+300 iterations",
    );
    expect((await refusal(solver({ warmUp: -1 }))).message).to.match(/^warmUp is -1; it must be a whole number/);
    await using loaded = await solver({});
    expect((await refusal(loaded.step(1.5))).message).to.match(/^n is 1.5; it must be a whole number of iterations/);
    expect((await refusal(train(loaded, { patience: 0 }).next())).message).to.match(/^patience is 0; it must be/);
    expect((await refusal(train(loaded, { patience: 3 }).next())).message).to.match(/^patience has no effect/);
  });

  it("of conversions are in range, also where nothing needs them", async () => {
    const asked = (options: object) => convert(NET, [], { allowMissing: true, verify: 0, ...options });
    expect((await refusal(asked({ cropSize: 1.5 }))).message).to.match(/^cropSize is 1.5; it must be a whole number/);
    expect((await refusal(asked({ calibrateBatches: 1e300 }))).message).to.include("is not a positive integer");
    expect((await refusal(asked({ scale: 1e300 }))).message).to.equal("scale 1e+300 does not consist of numbers");
    expect((await refusal(asked({ outputs: "ip" }))).message).to.equal('outputs is "ip"; it must be a list of texts');
  });

  it("cannot help an empty folder, or a list whose images are not there", () => {
    expect(() => detectSource(folder())).to.throw("is an empty folder");
    const list = join(folder(), "list.txt");
    const write = (...names: string[]) => writeFileSync(list, names.map((name) => `${name} 0\n`).join(""));
    write("cats/1.jpg");
    expect(() => detectSource(list)).to.throw("is a list of images, and none of its 1 is there: cats/1.jpg");
    write("a.jpg", "b.jpg", "c.jpg", "d.jpg");
    expect(() => detectSource(list)).to.throw("and none of its 4 is there: a.jpg, b.jpg, c.jpg, ...");
    writeFileSync(join(folder(), "b.jpg"), "");
    expect(() => detectSource(list)).to.throw("and 3 of its 4 are not there: a.jpg, c.jpg, d.jpg");
  });

  it("is refused where a batch size reaches no layer, at the first that keeps its own", async () => {
    const text = `layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
      layer { name: "relu" type: "ReLU" bottom: "data" top: "relu" }`;
    const error = await refusal(Net.load(text, { batchSize: 3 }));
    expect(error.message).to.equal(
      '--batch-size (in the API batchSize) has no effect: layer "in" (Input) has the shape that the prototxt says',
    );
    expect(error.format()).to.contain(":1:1: ");
    for (const [transform, flag] of [
      [{ scale: 2 }, "--scale (in the API transform.scale)"],
      [{ meanValues: [1] }, "--mean-value (in the API transform.meanValues)"],
    ] as const) {
      expect((await refusal(Net.load(text, { transform }))).message).to.equal(
        `${flag} has no effect: layer "in" (Input) has the values that the prototxt says`,
      );
    }
    await using net = await Net.load(text, { batchSize: 3, data: [{ data: [1, 2, 3] }] });
    expect(net.shapes.get("data")).to.deep.equal([3, 3]);
  });

  it("of paths are read as flags are", () => {
    const path = join(folder(), "words.csv");
    writeFileSync(path, "a,b\n1,2\n");
    expect(() => detectSource(`${path}?missing=abc`)).to.throw("option missing=abc: give a number");
    expect(() => detectSource(`${path}?shuffle=1.5`)).to.throw("option shuffle=1.5: give a whole number, 0 or more");
    expect(() => detectSource(`${path}?delimiter=`)).to.throw("option delimiter has no value");
    expect(() => detectSource(`${path}?label=a&label=b`)).to.throw("option label is given more than once");
    const text = join(folder(), "words.txt");
    writeFileSync(text, "some words\n");
    expect(() => detectSource(`${text}?length=1e9`)).to.throw(
      "option length=1e9: give a whole number of tokens from 1 to 1048576",
    );
    expect(() => detectSource(`${text}?length=-3`)).to.throw(
      "option length=-3: give a whole number of tokens from 1 to 1048576",
    );
  });
  const folder = freshFolder();
});
