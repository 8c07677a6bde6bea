import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { loadPlugins, Net, type NetrunError, ops, registerLayer, Solver, train } from "../../lib/index.js";
import { watched } from "../../lib/run/plugin-rows.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { inputLayer, runText, tensor } from "../support/net.js";
import { root } from "../support/shared.js";

const example = (name: string) => join(root, "examples/plugins", name);

registerLayer({
  type: "Python",
  module: "spec_rows",
  layer: "Counting",
  async *rows({ layer, phase, seed }) {
    const length = phase === "TRAIN" ? 12 : 3;
    for (let i = 0; i < length; i++) yield { x: [i, seed], label: i % 3 };
    if (layer.name === "broken") throw new Error("the camera is off");
  },
});

const data = (name = "d") => `layer { name: "${name}" type: "Python" top: "x" top: "label"
  python_param { module: "spec_rows" layer: "Counting" param_str: "{'batch_size': 2}" } }`;

describe("plugins that read data", () => {
  const folder = freshFolder();

  it("give batches of their rows, epoch after epoch, others in each phase", async () => {
    await using net = await Net.load(data(), { seed: 7 });
    const first = async () => [...(await net.forward())["x"]!.data];
    expect([await first(), await first(), await first()]).to.deep.equal([
      [0, 7, 1, 7],
      [2, 7, 0, 7],
      [1, 7, 2, 7],
    ]);
    await using training = await Net.load(data(), { phase: "TRAIN", batchSize: 5 });
    expect((await training.forward())["label"]!.data).to.deep.equal(Float32Array.of(0, 1, 2, 0, 1));
  });

  it("give way to --data, and are named where their code fails", async () => {
    writeFileSync(join(folder(), "rows.csv"), "x1,x2,label\n5,6,1\n7,8,2\n");
    await using net = await Net.load(data(), { data: [{ x: [9, 9], label: 4 }], batchSize: 1 });
    expect([...(await net.forward())["label"]!.data]).to.deep.equal([4]);
    const error: unknown = await Net.load(data("broken")).catch((reason: unknown) => reason);
    expect((error as NetrunError).format()).to.match(/layer "broken": [\s\S]*the camera is off/);
    expect(() => registerLayer({ type: "SpecRows", rows: 5 } as never)).to.throw("rows is not a function");
  });

  it("are named, with what is wrong, where rows or batches are odd", async () => {
    const rowsOf: Readonly<Record<string, unknown>> = {
      SpecNumber: 5,
      SpecNull: [null],
      SpecList: [{ x: [1] }, [1, 2]],
      SpecNoRows: [],
      SpecNaN: [{ x: [1] }, { x: [Number.NaN] }],
      SpecLengths: [{ x: [1] }, { x: [1, 2] }],
    };
    const said = async (type: string, batch: number) => {
      registerLayer({ type, batchSize: () => batch, rows: () => rowsOf[type] as never });
      await using net = await Net.load(`layer { name: "d" type: "${type}" top: "x" }`);
      await net.forward();
      await net.forward();
    };
    for (const [type, message, batch = 1] of [
      ["SpecNumber", `layer "d": its plugin's rows() gives 5, which is no iterable`],
      ["SpecNull", 'layer "d": row 0 is null'],
      ["SpecList", 'layer "d": row 1 is a list'],
      ["SpecNoRows", 'layer "d": there are no rows'],
      ["SpecNaN", 'layer "d": row 1: NaN in "x"'],
      ["SpecLengths", 'layer "d": row 1: column "x" has 2 values'],
    ] as const)
      await failure(said(type, batch), message);
    for (const batch of [0, -1, 1.5, Number.NaN]) {
      const type = `SpecBatch${batch}`;
      registerLayer({ type, batchSize: () => batch, rows: () => [{ x: 1 }] });
      const net = Net.load(`layer { name: "d" type: "${type}" top: "x" }`);
      await failure(net, `layer "d": its batch size is ${batch}, not a whole number of 1 or more`);
    }
  });

  it("are warned about while their rows do not end", async () => {
    const endless = function* () {
      for (let i = 0; ; i++) yield { x: i };
    };
    let [time, counted] = [0, 0];
    for await (const { x } of watched(
      endless(),
      (count) => (counted = count),
      () => (time += 10_000),
    )) {
      if (counted > 0 || x === 10_000) break;
    }
    // The clock is looked at every 256 rows: after 10, 20 and 30 seconds here.
    expect(counted).to.equal(768);
  });

  it("train, resume bit-exactly, and have their rows divided among replicas", async () => {
    const net = `${data()} layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 3
        weight_filler { type: "xavier" } } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;
    writeFileSync(join(folder(), "net.prototxt"), net);
    const solver = join(folder(), "solver.prototxt");
    writeFileSync(
      solver,
      `net: "${folder()}/net.prototxt" base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 max_iter: 8 snapshot: 4 snapshot_prefix: "${folder()}/s"`,
    );
    const weights = ({ net: own }: Solver) => [...own.params.get("ip")![0]!.data];
    await using straight = await Solver.load(solver, { threads: 1 });
    for await (const _ of train(straight));
    await using resumed = await Solver.load(solver, { threads: 1, snapshot: join(folder(), "s_iter_4.solverstate") });
    for await (const _ of train(resumed));
    expect(weights(resumed)).to.deep.equal(weights(straight));
    await using pair = await Solver.load(solver, { threads: 1, workers: 2, syncInterval: 2 });
    await pair.step(2);
    expect(weights(pair)).not.to.deep.equal(weights(straight));
  });

  it("stand for Python data layers: Caffe's multilabel example", async () => {
    await loadPlugins([example("pascal-multilabel.js")]);
    for (const name of ["JPEGImages", "Annotations", "ImageSets/Main"])
      mkdirSync(join(folder(), name), { recursive: true });
    writeFileSync(join(folder(), "ImageSets/Main/train.txt"), "000001\n000002\n");
    for (const [i, names] of [["cat", "sofa"], ["aeroplane"]].entries()) {
      const objects = names.map((each) => `<object><name>${each}</name></object>`).join("");
      writeFileSync(join(folder(), `Annotations/00000${i + 1}.xml`), `<annotation>${objects}</annotation>`);
      const image = sharp({ create: { width: 30 + i, height: 20, channels: 3, background: { r: 10, g: 20, b: 28 } } });
      await image.jpeg({ quality: 100 }).toFile(join(folder(), `JPEGImages/00000${i + 1}.jpg`));
    }
    const dictionary = `{'batch_size': 2, 'im_shape': [6, 8], 'split': 'train', 'pascal_root': '${folder()}'}`;
    const text = `layer { name: "data" type: "Python" top: "data" top: "label" python_param {
      module: "pascal_multilabel_datalayers" layer: "PascalMultilabelDataLayerSync" param_str: "${dictionary}" } }`;
    await using net = await Net.load(text, { phase: "TRAIN" });
    const blobs = await net.forward();
    expect(blobs["data"]!.shape).to.deep.equal([2, 3, 6, 8]);
    expect(Math.abs(blobs["data"]!.data[0]! + 100)).to.be.at.most(2);
    const classes = [0, 1].map((row) =>
      [...blobs["label"]!.data.subarray(20 * row, 20 * row + 20)].flatMap((value, c) => (value === 1 ? [c] : [])),
    );
    expect(classes).to.deep.equal([[7, 17], [0]]);
  });
});

describe("plugins with a gradient of their own", () => {
  it("turn gradients around: the example", async () => {
    await loadPlugins([example("gradient-reversal.js")]);
    const text = `${inputLayer("x", 3)} layer { name: "r" type: "GradientReversal" bottom: "x" top: "y" reversal_param { factor: 0.5 } }`;
    const { blobs, gradients } = await runText(text, { x: tensor([1, 2, 3]) }, { seeds: { y: tensor([1, 10, -2]) } });
    expect([...blobs["y"]!.data]).to.deep.equal([1, 2, 3]);
    expect([...gradients["x"]!.data]).to.deep.equal([-0.5, -5, 1]);
  });

  it("give those of bottoms and blobs, of each top that has one", async () => {
    const filler = { type: "constant", value: 2 };
    registerLayer({
      type: "SpecOwn",
      bottoms: 1,
      tops: 2,
      blobs: () => [{ shape: [2], filler: filler as never }],
      lower: ({ bottoms, blobs }) => ({ tops: [ops.mul(bottoms[0]!, blobs[0]!), ops.add(bottoms[0]!, blobs[0]!)] }),
      // Not the derivative: the first top's goes to the bottom, the second's to the blob.
      backward: (_, { gradients: [first, second] }) => [first ?? null, second ?? null],
    });
    const text = `${inputLayer("x", 2)} layer { name: "l" type: "SpecOwn" bottom: "x" top: "a" top: "b" }`;
    const seeds = { a: tensor([1, 2]), b: tensor([30, 40]) };
    const { gradients, parameters } = await runText(text, { x: tensor([5, 6]) }, { seeds });
    expect([...gradients["x"]!.data]).to.deep.equal([1, 2]);
    expect([...parameters["l/0"]!]).to.deep.equal([30, 40]);
  });

  it("are named, at their layer, where what they give does not fit", async () => {
    registerLayer({
      type: "SpecMisfit",
      bottoms: 1,
      tops: 1,
      lower: ({ bottoms }) => ({ tops: bottoms }),
      backward: () => [],
    });
    registerLayer({
      type: "SpecThrows",
      bottoms: 1,
      tops: 1,
      lower: ({ bottoms }) => ({ tops: bottoms }),
      backward: () => {
        throw new Error("no way back");
      },
    });
    const run = (type: string) =>
      runText(
        `${inputLayer("x", 2)} layer { name: "l" type: "${type}" bottom: "x" top: "y" }`,
        { x: tensor([1, 2]) },
        { seeds: { y: tensor([1, 1]) } },
      );
    await failure(run("SpecThrows"), 'layer "l": its plugin\'s backward fails: no way back');
    await failure(run("SpecMisfit"), 'layer "l": its plugin\'s backward gives 0 gradients for 1 bottoms and blobs');
  });
});
