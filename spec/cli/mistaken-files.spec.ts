import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { encode } from "../../lib/caffe/message.js";
import type { NetParameter } from "../../lib/caffe/messages.js";
import { reflect } from "../../lib/caffe/schema.js";
import { encodeSolverState } from "../../lib/caffe/solver-state.js";
import { encodeWeights } from "../../lib/caffe/weight-pieces.js";
import { convertFile } from "../../lib/convert/index.js";
import { parseText } from "../../lib/text/parse.js";
import { cli } from "../support/cli.js";
import { freshFolder } from "../support/folder.js";
import { root } from "../support/shared.js";

const NET = `name: "n" layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }`;

describe("files of another kind than a command expects", () => {
  const folder = freshFolder();

  it("ONNX: inspect shows inputs, outputs, nodes, size and metadata", async () => {
    const path = join(folder(), "n.onnx");
    const { bytes, nodes } = await convertFile(NET, [], path, { allowMissing: true, verify: 0 });
    const { stdout, status } = await cli("inspect", path);
    expect(status).to.equal(0);
    expect(stdout).to.match(/^ONNX model of netrun.*, opset ai.onnx 17\n/);
    expect(stdout).to.match(/\ninputs {3}data \[\w+, 2\]\noutputs {2}ip \[\w+, 3\]\nnodes {4}(\d+): /);
    expect(Number(/nodes +(\d+)/.exec(stdout)![1])).to.equal(nodes);
    expect(stdout).to.contain(`size     ${bytes.toLocaleString("en-US")} bytes\n`);
    const json = JSON.parse((await cli("inspect", path, "--json")).stdout) as { kind: string; metadata: object };
    expect(json.kind).to.equal("onnx");
    for (const key of Object.keys(json.metadata)) expect(stdout).to.contain(`\n${key}: `);
  });

  it(".netrunstate: inspect says what it is and what has the state", async () => {
    const path = join(folder(), "s_iter_1.netrunstate");
    writeFileSync(path, "{}");
    const { stderr, status } = await cli("inspect", path);
    expect(stderr).to.contain("is the file that netrun writes beside a .solverstate");
    expect(stderr).to.contain(`note: netrun inspect ${join(folder(), "s_iter_1.solverstate")}`);
    expect(status).to.equal(1);
  });

  it("weights in the place of the net: convert says how it is meant", async () => {
    const { stderr, status } = await cli("convert", "a.caffemodel", "n.prototxt", "-o", "x.onnx");
    expect(stderr).to.equal(
      "a.caffemodel has weights, n.prototxt is a net: the net comes first\n" +
        "note: netrun convert n.prototxt a.caffemodel -o MODEL.onnx\n",
    );
    expect(status).to.equal(1);
  });

  it("a folder: inspect says what it is and what was probably meant", async () => {
    const made = (name: string, ...files: readonly string[]): string => {
      const path = join(folder(), name);
      mkdirSync(path);
      for (const file of files) writeFileSync(join(path, file), "");
      return path;
    };
    const [snapshots, lmdb, leveldb, images, nets, empty] = [
      made("snapshots", "n_iter_90.caffemodel", "n_iter_100.caffemodel", "n_iter_100.netrunstate"),
      made("lmdb", "data.mdb", "lock.mdb"),
      made("leveldb", "CURRENT"),
      made("images"),
      made("nets", "net.prototxt", "readme.txt"),
      made("empty"),
    ];
    mkdirSync(join(images, "cats"));
    writeFileSync(join(images, "cats", "1.jpg"), "");
    const data = (path: string) => `note: netrun mean ${path} reads it, and --data ${path} trains and tests on it\n`;
    for (const [path, text] of [
      [snapshots, `is a folder of snapshots\nnote: netrun inspect ${join(snapshots, "n_iter_100.caffemodel")}\n`],
      [lmdb, `is data: an LMDB database\n${data(lmdb)}`],
      [leveldb, `is data: a LevelDB database\n${data(leveldb)}`],
      [images, `is data: a folder of images, a folder for each class\n${data(images)}`],
      [nets, `is a folder\nnote: netrun inspect ${join(nets, "net.prototxt")}\n`],
      [
        empty,
        "is an empty folder\nnote: inspect takes a file: a net, solver, weights, solver state, mean or ONNX file\n",
      ],
    ] as const) {
      const { stderr, status } = await cli("inspect", path);
      expect(stderr).to.equal(`${path}: ${text}`);
      expect(status).to.equal(1);
    }
  });

  it("whatever is given in place of a net, weights, a mean, an image or a log is called what it is", async () => {
    const path = (name: string, content: string | Uint8Array): string => {
      const made = join(folder(), name);
      writeFileSync(made, content);
      return made;
    };
    const net = path("n.prototxt", NET);
    const png = path("x.png", Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0", "latin1"));
    const safetensors = path("x.safetensors", Buffer.from('\x40\0\0\0\0\0\0\0{"x":{"dtype"', "latin1"));
    const log = path("log.json", '{"seconds":0.1,"event":"start"}\n');
    const list = path("list.txt", "a/b c.png 3\n");
    const empty = path("empty", "");
    const lmdb = join(folder(), "db");
    mkdirSync(lmdb);
    writeFileSync(join(lmdb, "data.mdb"), "");
    const image = path("i.prototxt", NET.replace("dim: 2", "dim: 1 dim: 2 dim: 2"));
    const mean = (file: string) => [
      "convert",
      image,
      "-o",
      "x.onnx",
      "--allow-missing",
      "--preprocess",
      "--mean-file",
      file,
    ];
    for (const [args, message] of [
      [["draw", png, "-o", "x.svg"], `${png}: is a PNG image, where a net or its weights are expected`],
      [["train", safetensors], `${safetensors}: is a safetensors file, where a solver's prototxt is expected`],
      [["time", "-model", log], `${log}: is a log of --log-json, where a net or its weights are expected`],
      [["upgrade", list], `${list}: is a list of files, where a net or its weights are expected`],
      [["time", "-model", empty], `${empty}: is empty, where a net or its weights are expected`],
      [["draw", lmdb, "-o", "x.svg"], `${lmdb} is a folder, of data in LMDB: --data reads it`],
      [["draw", "netrun:digits/train", "-o", "x.svg"], '"netrun:digits/train" names data, where a net is expected'],
      [mean(net), `${net}: is a text, where a mean image (a .binaryproto) is expected`],
      [mean(png), `${png}: is a PNG image, where a mean image (a .binaryproto) is expected`],
      [
        ["convert", net, "-o", "x.onnx", "--allow-missing", "--scale", "2"],
        "the net has no image input, which scale could be for",
      ],
      [["import-weights", log, net, "-o", "x"], `${log}: is a log of --log-json, where an ONNX model is expected`],
      [["plot", png, "-o", "x.svg"], `${png}: is a PNG image, where a log of a training is expected`],
      [["import", png, "x.arrow"], `${png}: not a kind of data that netrun knows: it is a PNG image`],
      [["layers", net], `unknown layer type "${net}"\nnote: netrun inspect ${net} shows what is in a file`],
    ] as const) {
      const { stderr, status } = await cli(...args);
      expect(stderr).to.include(message);
      expect(status).to.equal(1);
    }
  });

  it("weights and net, or model and net, the wrong way round: the command that is meant", async () => {
    const swapped = ["-model", "w.caffemodel", "-weights", "n.prototxt"] as const;
    for (const [name, rest] of [
      ["test", []],
      ["extract", ["--blobs", "ip", "-o", "x.csv"]],
      ["time", []],
      ["classify", ["x.png"]],
    ] as const) {
      const { stderr } = await cli(name, ...rest, ...swapped);
      expect(stderr).to.equal(
        "w.caffemodel has weights, n.prototxt is a net: the net comes first\n" +
          `note: netrun ${name} -model n.prototxt -weights w.caffemodel\n`,
      );
    }
    expect((await cli("import-weights", "n.prototxt", "m.onnx", "-o", "w")).stderr).to.equal(
      "m.onnx is a model, n.prototxt is not: the model comes first\nnote: netrun import-weights m.onnx n.prototxt -o w\n",
    );
  });

  it("a net without layers: time says that there is nothing to do", async () => {
    const path = join(folder(), "none.prototxt");
    writeFileSync(path, 'name: "n"\n');
    const { stderr, status } = await cli("time", "-model", path);
    expect([stderr, status]).to.deep.equal([`${path}: the net computes nothing in phase TRAIN\n`, 1]);
  });

  it("data without images: import says that nothing is there to resize", async () => {
    const out = join(folder(), "out.arrow");
    const { stderr, status } = await cli("import", "netrun:digits/test", out, "--resize", "10x10");
    expect(stderr).to.contain("has no encoded images, which decoding and resizing are for\nnote: its fields: data (");
    expect(status).to.equal(1);
    expect(existsSync(out)).to.equal(false);
  });

  it("a provider that is not here is one line, without onnxruntime's own", () => {
    const bin = join(root, "bin", "netrun.js");
    const { stdout, stderr } = spawnSync(process.execPath, [bin, "devices"], { encoding: "utf8" });
    expect(stdout).to.match(
      /\ncpu +works\ncuda +(works|not here: .*)\n( {10}.*\n)*webgpu +(works|not here: .*)\n( {10}.*\n)*$/,
    );
    // Dawn, too, prints lines of its own.
    expect(stderr).to.equal("");
    expect(stdout).not.to.contain("onnxruntime_src");
  });

  describe("in place of weights, a state or a solver", () => {
    const paths = () => {
      const path = (name: string) => join(folder(), name);
      writeFileSync(path("n.prototxt"), NET);
      writeFileSync(path("s_iter_1.netrunstate"), '{"iteration":1}');
      writeFileSync(path("empty"), "");
      const ip = { shape: [1], data: Float32Array.of(1) };
      writeFileSync(path("w.caffemodel"), encodeWeights(loadNet(NET).message, new Map([["ip", [ip]]])));
      const state = { iter: 1, learned_net: "w.caffemodel", current_step: 0, history: [ip] };
      writeFileSync(path("s.solverstate"), encodeSolverState(state));
      return path;
    };

    for (const [name, message, note] of [
      ["s.solverstate", "is a solver state (a .solverstate), where a net or its weights are expected", "--snapshot"],
      ["s_iter_1.netrunstate", "is the file that netrun writes beside a .solverstate, where a net", "--snapshot"],
      ["n.prototxt", "is a text, where a net or its weights are expected", ".caffemodel"],
    ] as const) {
      it(`${name}: --weights says what it is`, async () => {
        const path = paths();
        const { stderr, status } = await cli("convert", path("n.prototxt"), path(name), "-o", path("x.onnx"));
        expect(stderr)
          .to.contain(`${path(name)}: ${message}`)
          .and.contain(note);
        expect(status).to.equal(1);
      });
    }

    it("an ONNX model: convert names import-weights, train says that it is no solver", async () => {
      const path = paths();
      await convertFile(NET, [], path("n.onnx"), { allowMissing: true, verify: 0 });
      const { stderr } = await cli("convert", path("n.prototxt"), path("n.onnx"), "-o", path("x.onnx"));
      expect(stderr)
        .to.contain("is an ONNX model, where a net or its weights are expected")
        .and.contain("import-weights");
      expect((await cli("train", path("n.onnx"))).stderr).to.equal(
        `${path("n.onnx")}: is an ONNX model, where a solver's prototxt is expected\n`,
      );
    });

    it("weights: train names --weights", async () => {
      const path = paths();
      const { stderr } = await cli("train", path("w.caffemodel"));
      expect(stderr).to.equal(
        `${path("w.caffemodel")}: is a binary net (a .caffemodel), where a solver's prototxt is expected\n` +
          "note: netrun train SOLVER --weights FILE starts from a .caffemodel\n",
      );
    });

    it("an empty file: inspect says so", async () => {
      const path = paths();
      const { stderr, status } = await cli("inspect", path("empty"));
      expect(stderr).to.equal(`${path("empty")}: is empty\n`);
      expect(status).to.equal(1);
    });

    it("a binary net with input fields is no mean image", async () => {
      const path = paths();
      const net = `name: "n" input: "data" input_shape { dim: 1 } layer { name: "r" type: "ReLU" bottom: "data" top: "r" }`;
      writeFileSync(path("net.binaryproto"), encode(parseText(reflect("NetParameter"), net) as NetParameter));
      expect((await cli("inspect", path("net.binaryproto"))).stdout).to.match(/^weights n: 1 layers/);
    });
  });
});
