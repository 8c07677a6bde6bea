import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import type { NetrunError } from "../../lib/error.js";
import { toDot } from "../../lib/inspect/dot.js";
import { drawSvg } from "../../lib/inspect/drawing.js";
import { layerBlocks } from "../../lib/inspect/groups.js";
import { inspectEither, inspectNet, type NetSummary, readArtifact } from "../../lib/inspect/index.js";
import { inspect, inspectFile } from "../../lib/inspect/inspect.js";
import { printNet } from "../../lib/inspect/print.js";
import { freshFolder } from "../support/folder.js";
import { describeShared, goldenPath, root, sharedPath } from "../support/shared.js";

const LENET = `name: "small"
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN } data_param { batch_size: 4 } transform_param { crop_size: 8 } }
layer { name: "data" type: "Input" top: "data" include { phase: TEST } input_param { shape { dim: [2, 3, 8, 8] } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { name: "w" } convolution_param { num_output: 4 kernel_size: 3 pad: 1 bias_term: false } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "twin" type: "Convolution" bottom: "data" top: "twin" param { name: "w" } convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 bias_term: false } }
layer { name: "sum" type: "Eltwise" bottom: "pool" bottom: "twin" top: "sum" }
layer { name: "ip" type: "InnerProduct" bottom: "sum" top: "ip" inner_product_param { num_output: 10 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" include { phase: TRAIN } }`;

const { message } = loadNet(LENET, { name: "small.prototxt" });

describe("inspect", () => {
  const folder = freshFolder();

  it("detects the kind of a file by content, and shows its content", async () => {
    const solver = await inspect(join(root, "models/lenet/solver.prototxt"));
    if (solver.kind !== "solver") throw new Error(solver.kind);
    expect(solver.nets.map(({ name, parameters }) => [name, parameters])).to.deep.equal([
      ["LeNet", 431_080],
      ["LeNet", 431_080],
    ]);
    const net = await inspect(join(root, "models/lenet/deploy.prototxt"), { shapes: { data: [7, 1, 28, 28] } });
    if (net.kind !== "net") throw new Error(net.kind);
    expect(net.outputs).to.deep.equal([{ name: "prob", shape: [7, 10] }]);
  });

  it("shows a label map as one", async () => {
    const path = join(folder(), "labels.prototxt");
    writeFileSync(path, 'item { name: "n0" label: 0 display_name: "background" } item { name: "cat" label: 7 }');
    const { lines, inspected } = await inspectFile(path);
    expect(lines).to.deep.equal([
      "label map: 2 classes",
      "label  name  shown as",
      "    0  n0    background",
      "    7  cat   cat",
    ]);
    expect(inspected).to.deep.equal({
      kind: "labels",
      labels: [
        { name: "n0", shown: "background", label: 0 },
        { name: "cat", shown: "cat", label: 7 },
      ],
    });
    expect(() => loadNet(path)).to.throw("this is a label map, where a net is expected");
  });
});

describe("inspecting a net", () => {
  it("shows shapes, parameters, multiply-adds and receptive fields", async () => {
    const net = await inspectNet(message, { phase: "TEST", baseDir: "." });
    const rows = net.layers.map((layer) => [
      layer.name,
      layer.tops.map(({ shape }) => shape!.join("x")).join(),
      layer.parameters,
      layer.multiplyAdds,
      layer.receptiveField && `${layer.receptiveField.size[0]}/${layer.receptiveField.stride[0]}`,
    ]);
    expect(rows).to.deep.equal([
      ["data", "2x3x8x8", 0, 0, undefined],
      ["conv", "2x4x8x8", 108, 2 * 64 * 108, "3/1"],
      ["relu", "2x4x8x8", 0, 0, "3/1"],
      ["pool", "2x4x4x4", 0, 0, "4/2"],
      ["twin", "2x4x4x4", 0, 2 * 16 * 108, "3/2"],
      ["sum", "2x4x4x4", 0, 0, "4/2"],
      ["ip", "2x10", 650, 2 * 640, undefined],
    ]);
    expect([net.parameters, net.parameterBytes, net.blobBytes]).to.deep.equal([
      758,
      4 * 758,
      4 * (384 + 512 + 3 * 128 + 20),
    ]);
    expect([net.inputs, net.outputs]).to.deep.equal([
      [{ name: "data", shape: [2, 3, 8, 8] }],
      [{ name: "ip", shape: [2, 10] }],
    ]);
    expect(net.layers[4]!.blobs).to.deep.equal([{ shape: [4, 3, 3, 3], sharedWith: "conv" }]);
  });

  it("assumes colour images where there is no data, and says so", async () => {
    const net = await inspectNet(message, { phase: "TRAIN", baseDir: "." });
    expect(net.layers[0]!.tops).to.deep.equal([
      { name: "data", shape: [4, 3, 8, 8] },
      { name: "label", shape: [4] },
    ]);
    expect(net.notes).to.deep.equal(["data is assumed to be [4, 3, 8, 8], since its data is missing"]);
  });

  it("takes images to have a channel for each mean", async () => {
    const clips = `layer { name: "d" type: "Data" top: "x" transform_param { crop_size: 8 mean_value: [1, 2, 3, 4, 5, 6] }
      data_param { source: "nowhere" batch_size: 2 } } layer { name: "r" type: "ReLU" bottom: "x" top: "y" }`;
    const { layers } = await inspectNet(loadNet(clips).message, { phase: "TRAIN", baseDir: "." });
    expect(layers[1]!.tops).to.deep.equal([{ name: "y", shape: [2, 6, 8, 8] }]);
  });

  it("takes shapes that are given, and shows a net without shapes where they are missing", async () => {
    const text = 'layer { name: "d" type: "Data" top: "x" } layer { name: "r" type: "ReLU" bottom: "x" top: "y" }';
    const net = loadNet(text).message;
    expect(
      printNet(await inspectNet(net, { phase: "TEST", baseDir: "." })).join("\n"),
    ).to.equal(`net (no name), phase TEST: 2 layers
layer  type  bottoms  tops
d      Data           x
r      ReLU  x        y
note: shapes are not known without the data: --shape x=N,C,H,W`);
    const shapes = new Map([["x", [5, 6]]]);
    const given = await inspectNet(net, { phase: "TEST", baseDir: ".", shapes });
    expect(given.layers[1]!.tops).to.deep.equal([{ name: "y", shape: [5, 6] }]);
  });

  it("takes a bottom that no layer makes for an input where its shape is given", async () => {
    const text = `layer { name: "s" type: "Power" bottom: "data" top: "y" power_param { scale: 0.5 } }
      layer { name: "c" type: "Concat" bottom: "y" bottom: "data" top: "z" }`;
    const net = loadNet(text).message;
    const options = { phase: "TEST", baseDir: "." } as const;
    const { complete, inputs, layers } = await inspectNet(net, { ...options, shapes: new Map([["data", [2, 3]]]) });
    expect([complete, inputs, layers[1]!.tops]).to.deep.equal([
      true,
      [{ name: "data", shape: [2, 3] }],
      [{ name: "z", shape: [2, 6] }],
    ]);
    const refused = await inspectNet(net, options).catch((error: NetrunError) => error.format());
    expect(refused).to.contain("whoever ran the net fed it: inspect, draw and convert take --shape data=1,3,224,224");
  });

  it("knows shapes after an unknown layer that works in place, or whose top's shape is given", async () => {
    const text = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [2, 3] } } }
      layer { name: "f" type: "NobodysNeuron" bottom: "x" top: "x" }
      layer { name: "n" type: "NobodysNms" bottom: "x" top: "boxes" }
      layer { name: "r" type: "ReLU" bottom: "boxes" top: "y" }`;
    const shapes = new Map([["boxes", [1, 50, 5]]]);
    const net = await inspectNet(loadNet(text).message, { phase: "TEST", baseDir: ".", shapes });
    expect([net.complete, net.layers.map(({ tops }) => tops[0]!.shape)]).to.deep.equal([
      true,
      [
        [2, 3],
        [2, 3],
        [1, 50, 5],
        [1, 50, 5],
      ],
    ]);
    expect(net.notes).to.deep.equal([
      'layer "f": unknown layer type "NobodysNeuron" (line 2)',
      'layer "n": unknown layer type "NobodysNms" (line 3)',
    ]);
  });

  it("names the layer type that it does not have, with its line", async () => {
    const net = loadNet(
      'layer { name: "d" type: "Input" top: "x" }\nlayer { name: "p" type: "VPooling" bottom: "x" top: "y" }',
    );
    const { layers, complete, notes } = await inspectNet(net.message, { phase: "TEST", baseDir: "." });
    expect([layers.map(({ type }) => type), complete]).to.deep.equal([["Input", "VPooling"], false]);
    expect(notes).to.deep.equal([
      "shapes are not known without the data: --shape x=N,C,H,W",
      'layer "p": unknown layer type "VPooling" (line 2); did you mean "Pooling"?; shapes are not known after it: --shape y=N,C,H,W says them',
    ]);
  });

  it("falls back to the training phase, with the reason", async () => {
    const text = `layer { name: "d" type: "Input" top: "x" include { phase: TRAIN } input_param { shape { dim: 1 } } }
      layer { name: "r" type: "ReLU" bottom: "x" top: "y" }`;
    const net = await inspectEither(loadNet(text).message, { baseDir: "." });
    expect([net.phase, net.notes]).to.deep.equal([
      "TRAIN",
      ['phase TEST does not work: layer "r": bottom "x" is not produced by any layer above'],
    ]);
  });
});

describe("receptive fields", () => {
  it("go through the layers of forks as through Caffe's", async () => {
    const conv = (name: string, type: string, from: string) =>
      `layer { name: "${name}" type: "${type}" bottom: "${from}" top: "${name}"
        convolution_param { num_output: 3 kernel_size: 3 stride: 2 } }`;
    const text = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 dim: 40 dim: 40 } } }
      ${conv("a", "Convolution", "x")} layer { name: "r" type: "ReLU6" bottom: "a" top: "a" }
      ${conv("b", "DepthwiseConvolution", "a")} layer { name: "n" type: "BN" bottom: "b" top: "n" }`;
    const net = await inspectNet(loadNet(text).message, { phase: "TEST", baseDir: "." });
    expect(net.layers.map(({ receptiveField: field }) => field?.size[0])).to.deep.equal([undefined, 3, 3, 7, 7]);
  });
});

describe("drawing a net", () => {
  it("shows shared parameters even without shapes", async () => {
    const text = `layer { name: "d" type: "Data" top: "x" }
      layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" param { name: "w" } param { } }
      layer { name: "b" type: "InnerProduct" bottom: "x" top: "b" param { name: "w" } param { } }`;
    const dot = toDot([await inspectNet(loadNet(text).message, { phase: "TEST", baseDir: "." })]);
    expect(dot).to.contain('  n1 -> n2 [style=dotted, dir=none, constraint=false, label="shared"];');
  });

  it("stacks in-place layers, marks layers of one phase and joins those that share parameters", async () => {
    const nets = [
      await inspectNet(message, { phase: "TRAIN", baseDir: "." }),
      await inspectNet(message, { phase: "TEST", baseDir: "." }),
    ];
    const test = toDot(nets.slice(1));
    expect(test).to.match(/label="conv: Convolution \(4x3x3x3, 108 parameters\)\\nkernel 3x3.*\\nrelu: ReLU"/);
    expect(test).to.match(/n\d -> n\d \[label="conv\\n2x4x8x8"\];/);
    expect(test).to.contain('[style=dotted, dir=none, constraint=false, label="shared"]');
    expect(toDot(nets)).to.contain('(TRAIN only)", fillcolor="#f29c9c", style="filled,rounded,dashed"');
  });

  it("says kernel, stride, pad and kind in the box", async () => {
    const text = `layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 1 dim: 4 dim: 9 dim: 9 } } }
      layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 4 kernel_h: 3 kernel_w: 5 stride: 2 pad_h: 1 pad_w: 2 group: 2 } }
      layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
      layer { name: "g" type: "Pooling" bottom: "p" top: "g" pooling_param { global_pooling: true } }`;
    const { layers } = await inspectNet(loadNet(text).message, { phase: "TEST", baseDir: "." });
    expect(layers.map((layer) => layer.window)).to.deep.equal([
      "",
      "kernel 3x5, stride 2, pad 1x2, group 2",
      "kernel 2x2, stride 2, AVE",
      "global, MAX",
    ]);
  });

  it("draws layers once that differ between phases only in batch size", async () => {
    const data = (phase: string, batch: number) =>
      `layer { name: "d" type: "DummyData" top: "x" include { phase: ${phase} } dummy_data_param { shape { dim: ${batch} dim: 3 } } }`;
    const text = `${data("TRAIN", 64)} ${data("TEST", 100)}
      layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" inner_product_param { num_output: 2 } }`;
    const { message: net } = loadNet(text);
    const nets = [];
    for (const phase of ["TRAIN", "TEST"] as const) nets.push(await inspectNet(net, { phase, baseDir: "." }));
    const dot = toDot(nets);
    expect(dot.match(/label="d: DummyData/g)).to.have.length(1);
    expect(dot).to.contain('n0 -> n1 [label="x\\n64/100x3"];').and.not.to.contain("only");
  });

  it("frames the layers of a block by their names", () => {
    const names = [
      "conv1_1",
      "conv1_2",
      "inception_3a/1x1",
      "inception_3a/pool",
      "res2a",
      "res2a_branch1",
      "ip1",
      "loss",
    ];
    expect([...layerBlocks(names).keys()]).to.deep.equal(["conv1", "inception_3a", "res2a"]);
  });

  describe("of repeated blocks", () => {
    /** Residual blocks after each other, with wider ones after the middle: res2a, res2b1, res2b2 ... res3a, res3b1 ... */
    async function residual(each: number, more = ""): Promise<NetSummary> {
      let text = `layer { name: "d" type: "Input" top: "d" input_param { shape { dim: 1 dim: 4 dim: 9 dim: 9 } } }`;
      let bottom = "d";
      const conv = (name: string, from: string, count: number, kernel: number) =>
        `layer { name: "${name}" type: "Convolution" bottom: "${from}" top: "${name}" convolution_param { num_output: ${count} kernel_size: ${kernel} pad: ${(kernel - 1) / 2} } }
         layer { name: "${name}_relu" type: "ReLU" bottom: "${name}" top: "${name}" }`;
      for (const stage of [2, 3])
        for (let i = 0; i <= each; i++) {
          const name = `res${stage}${i === 0 ? "a" : `b${i}`}`;
          const shortcut = i === 0 ? `${name}_branch1` : bottom;
          if (i === 0) text += conv(shortcut, bottom, 4 * stage, 1);
          text += `${conv(`${name}_branch2a`, bottom, 2, 1)} ${conv(`${name}_branch2b`, `${name}_branch2a`, 4 * stage, 3)}
            layer { name: "${name}" type: "Eltwise" bottom: "${shortcut}" bottom: "${name}_branch2b" top: "${name}" }`;
          bottom = name;
        }
      return inspectNet(loadNet(text + more).message, { phase: "TEST", baseDir: "." });
    }
    const boxesOf = (dot: string) => [...dot.matchAll(/^ {2}n\d+ \[label="([^:]+): /gm)].map(([, name]) => name);
    const framesOf = (dot: string) =>
      [...dot.matchAll(/subgraph cluster_\d+ { label="([^"]+)"/g)].map(([, name]) => name);

    it("has each once in a large net, in a frame that says how often, and edges from the last", async () => {
      const net = await residual(8);
      const dot = toDot([net]);
      expect(framesOf(dot)).to.deep.equal(["res2a", "res3a", "8 times: res2b1 to res2b8", "8 times: res3b1 to res3b8"]);
      const names = (stage: number) => [`res${stage}a_branch1`, `res${stage}a_branch2a`, `res${stage}a_branch2b`];
      const repeated = (stage: number) => [`res${stage}b1_branch2a`, `res${stage}b1_branch2b`, `res${stage}b1`];
      const parts = [2, 3].flatMap((stage) => [...names(stage), `res${stage}a`, ...repeated(stage)]);
      expect(boxesOf(dot)).to.deep.equal(["d", ...parts]);
      expect(dot).to.contain('label="res2b8\\n1x8x9x9"').and.not.to.contain("res2b7");
      expect(boxesOf(toDot([net], { full: true }))).to.have.length(1 + 2 * (4 + 8 * 3));
      // A net that fits a page is drawn as it is.
      const small = await residual(3);
      expect(toDot([small])).to.equal(toDot([small], { full: true }));
    });

    it("leaves a block that something else reads at the end of its frame", async () => {
      const head = `layer { name: "head" type: "Pooling" bottom: "res2b3" top: "head" pooling_param { global_pooling: true } }`;
      expect(framesOf(toDot([await residual(8, head)])).slice(-3)).to.deep.equal([
        "3 times: res2b1 to res2b3",
        "5 times: res2b4 to res2b8",
        "8 times: res3b1 to res3b8",
      ]);
    });

    it("shows sizes of the first and the last where blocks grow", async () => {
      let text = `layer { name: "d" type: "Input" top: "c0" input_param { shape { dim: 1 dim: 4 dim: 9 dim: 9 } } }`;
      for (let i = 1; i <= 30; i++)
        text += `layer { name: "conv1_${i}" type: "Convolution" bottom: "c${i - 1}" top: "x${i}" convolution_param { num_output: 2 kernel_size: 3 pad: 1 } }
          layer { name: "concat_${i}" type: "Concat" bottom: "c${i - 1}" bottom: "x${i}" top: "c${i}" }`;
      const dot = toDot([await inspectNet(loadNet(text).message, { phase: "TEST", baseDir: "." })]);
      expect(boxesOf(dot)).to.deep.equal(["d", "conv1_1", "concat_1"]);
      expect(framesOf(dot)).to.deep.equal(["30 times: conv1_1 to conv1_30"]);
      expect(dot).to.contain("conv1_1: Convolution (2x4…62x3x3, 74…1,118 parameters)");
      expect(dot).to.contain('label="c0\\n1x4…62x9x9"');
    });
  });

  it("leaves room in boxes for wider fonts than Graphviz knows", async () => {
    const svg = await drawSvg([await inspectNet(message, { phase: "TEST", baseDir: "." })]);
    expect(svg).to.match(/font-family="Helvetica,Arial,[^"]*sans-serif" font-size="11">conv: Convolution/);
    // The box of the text below: in DejaVu Sans a letter is 0.6 em on average.
    const text = "conv: Convolution (4x3x3x3, 108 parameters)";
    const before = svg.slice(0, svg.indexOf(text));
    const xs = [...before.slice(before.lastIndexOf("<path")).matchAll(/(-?[\d.]+),-?[\d.]+/g)].map(([, x]) =>
      Number(x),
    );
    expect(Math.max(...xs) - Math.min(...xs)).to.be.above(text.length * 0.6 * 11);
  });

  it("is a picture that Graphviz makes", async () => {
    const { instance } = await import("@viz-js/viz");
    const dot = toDot([await inspectNet(message, { phase: "TEST", baseDir: "." })]);
    expect((await instance()).renderString(dot, { format: "svg" })).to.contain("conv: Convolution");
  });
});

describeShared("inspecting published files", () => {
  const folder = sharedPath("zoo", "prototxt");
  const nets = (readdirSync(folder, { recursive: true }) as string[]).filter(
    (file) => /\.(prototxt|pt)$/.test(file) && !/_template|solver|labelmap/.test(file),
  );
  const open = new Map<string, string>();

  for (const file of nets.sort())
    it(`${file} is shown`, async () => {
      const artifact = await readArtifact(`${folder}/${file}`);
      if (artifact.kind !== "net") throw new Error(`taken for a ${artifact.kind}`);
      const { complete, notes } = await inspectEither(artifact.loaded.message, artifact.loaded);
      if (!complete) open.set(file, notes.find((note) => note.startsWith("shapes are not known")) ?? "nothing said");
    });

  it("shows all shapes, except where the size of the data is unknown", () => {
    const asked = Array.from(open, ([file, note]) => `${file}: ${/--shape \w+/.exec(note)?.[0]}`);
    expect(asked).to.deep.equal([
      "bvlc/examples+hdf5_classification+nonlinear_auto_test.prototxt: --shape data",
      "bvlc/examples+hdf5_classification+nonlinear_auto_train.prototxt: --shape data",
      "bvlc/examples+hdf5_classification+nonlinear_train_val.prototxt: --shape data",
      "bvlc/examples+hdf5_classification+train_val.prototxt: --shape data",
    ]);
  });

  it("distinguishes weights, states and means", async () => {
    const kinds = async (...files: string[]) => (await readArtifact(sharedPath(...files))).kind;
    expect(await kinds("zoo", "models", "mtcnn_det1.caffemodel")).to.equal("weights");
    expect(await kinds("zoo", "models", "lenet_iter_10000.solverstate")).to.equal("state");
    expect(await kinds("zoo", "cifar10", "mean.binaryproto")).to.equal("mean");
    expect(await kinds("zoo", "training", "lenet_solver.prototxt")).to.equal("solver");
  });
});

describe("inspecting files that Caffe wrote", () => {
  it("distinguishes weights, states and means", async () => {
    const kind = async (path: string) => (await readArtifact(path)).kind;
    const adagrad = (file: string) => goldenPath("solvers", "adagrad", file);
    expect(await kind(adagrad("snap_iter_6.solverstate.h5"))).to.equal("state");
    expect(await kind(adagrad("snap_iter_6.caffemodel.h5"))).to.equal("weights");
    expect(await kind(adagrad("init.caffemodel"))).to.equal("weights");
    expect(await kind(goldenPath("solvers", "adam", "snap_iter_6.solverstate"))).to.equal("state");
    expect(await kind(goldenPath("data", "mean.binaryproto"))).to.equal("mean");
    expect(await kind(adagrad("solver.prototxt"))).to.equal("solver");
    expect(await kind(goldenPath("layers", "absval.prototxt"))).to.equal("net");
  });
});
