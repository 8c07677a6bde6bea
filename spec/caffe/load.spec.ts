import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { loadNet, loadSolver } from "../../lib/caffe/load.js";
import { encode } from "../../lib/caffe/message.js";
import { Phase } from "../../lib/caffe/messages.js";
import { solverNets, withTrainState } from "../../lib/caffe/solver-nets.js";
import { NetrunError } from "../../lib/error.js";

const folder = mkdtempSync(join(tmpdir(), "netrun-load-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string | Uint8Array): string {
  mkdirSync(join(folder, "nets"), { recursive: true });
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

function refusal(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    if (error instanceof NetrunError) return error.format().replaceAll(folder, "DIR");
    throw error;
  }
  throw new Error("not refused");
}

describe("loading a net", () => {
  it("takes a path, a text or a binary file", () => {
    const path = file("a.prototxt", 'name: "a"');
    const { message } = loadNet(path);
    expect(message.name).to.equal("a");
    expect(loadNet('name: "b"').message.name).to.equal("b");
    expect(loadNet(file("a.caffemodel", encode(message))).message.name).to.equal("a");
  });

  it("reads `layers` whose type is in quotes as `layer`, and says so once", () => {
    const quoted = (name: string, more = "") =>
      `layers { name: "${name}" param { lr_mult: 3 } convolution_param { pad: 1 } type: "Convolution" ${more} }`;
    const text = `${quoted("a", 'top: "a"')}\nlayer { name: "b" type: "ReLU" }\n${quoted("c")}`;
    const warnings: string[] = [];
    const { message, upgrades } = loadNet(text, { onWarning: (warning) => warnings.push(warning.format()) });
    expect(message.layer.map(({ name, type }) => [name, type])).to.deep.equal([
      ["a", "Convolution"],
      ["b", "ReLU"],
      ["c", "Convolution"],
    ]);
    expect([message.layer[0]!.param[0]!.lr_mult, message.layer[2]!.convolution_param!.pad]).to.deep.equal([3, [1]]);
    expect([warnings.length, upgrades]).to.deep.equal([1, []]);
    expect(warnings[0]).to.match(/^<text>:1:1: `layers` with a type in quotes is read as `layer`\n/);
    expect(refusal(() => loadNet(text, { strict: true }))).to.contain("`layers` with a type in quotes");
    // A layer's own type counts, not one of a message in it.
    const inner = 'layers { name: "a" type: CONVOLUTION convolution_param { weight_filler { type: "xavier" } } }';
    expect(loadNet(inner).upgrades).to.deep.equal(["V1 layers"]);
    expect(loadNet('layers < name: "a" bottom: "type" >\n').message.layer[0]!.type).to.equal("");
  });

  it("names errors by the path and place", () => {
    expect(refusal(() => loadNet(file("bad.prototxt", "layer {\n  name: 3\n}")))).to.match(
      /^DIR\/bad.prototxt:2:9: name is a string in quotes, found "3"/,
    );
  });

  it("suggests a name near a missing one, or says which folder is missing", () => {
    file("lenet_solver.prototxt", "");
    expect(refusal(() => loadNet(join(folder, "lenet_sovler.prototxt")))).to.equal(
      "no such file: DIR/lenet_sovler.prototxt\nnote: did you mean DIR/lenet_solver.prototxt?",
    );
    expect(refusal(() => loadNet(join(folder, "x", "y", "z.prototxt")))).to.equal(
      "no such file: DIR/x/y/z.prototxt\nnote: there is no folder DIR/x",
    );
    expect(refusal(() => loadNet(folder))).to.equal("DIR is a folder");
  });

  it("says so when it is a solver, and the other way round", () => {
    expect(refusal(() => loadNet("base_lr: 0.1"))).to.equal("<text>: this is a solver, where a net is expected");
    expect(refusal(() => loadSolver("layer { }", { name: "n" }))).to.equal(
      "n: this is a net, where a solver is expected",
    );
  });

  it("makes unknown fields errors if asked to", () => {
    expect(refusal(() => loadNet("layer { nmae: 'a' }", { name: "n", strict: true }))).to.match(
      /^n:1:9: LayerParameter has no field nmae\n[\s\S]*note: did you mean name\?$/,
    );
  });
});

describe("the nets of a solver", () => {
  file("nets/train.prototxt", "name: 'file' state { level: 3 stage: 'net' }");
  file("solver.prototxt", "");
  const nets = (text: string) => solverNets(loadSolver(text, { name: "solver" }).message, { baseDir: folder });
  const net = 'net: "nets/train.prototxt" ';

  it("finds a net beside the solver, trains it once and tests it once per test_iter", () => {
    const { train, test } = nets(`${net} test_iter: [5, 7] test_interval: 1`);
    expect([train.net.name, train.state.phase, train.source]).to.deep.equal([
      "file",
      Phase.TRAIN,
      join(folder, "nets", "train.prototxt"),
    ]);
    expect(train.baseDir).to.equal(join(folder, "nets"));
    expect(test.map(({ iterations, state }) => [iterations, state.phase])).to.deep.equal([
      [5, Phase.TEST],
      [7, Phase.TEST],
    ]);
  });

  it("merges states: phase, then the net's, then the solver's", () => {
    const text = `${net} train_state { stage: 'solver' } test_state { level: 1 phase: TRAIN } test_iter: 1 test_interval: 1`;
    const { train, test } = nets(text);
    expect([train.state.level, train.state.stage]).to.deep.equal([3, ["net", "solver"]]);
    expect([test[0]!.state.level, test[0]!.state.phase]).to.deep.equal([1, Phase.TRAIN]);
    const flagged = withTrainState(loadSolver(text).message, { level: 9, stage: ["flag"] });
    const { state } = solverNets(flagged, { baseDir: folder }).train;
    expect([state.level, state.stage]).to.deep.equal([9, ["net", "solver", "flag"]]);
  });

  it("tests test_net_param, test_net and then net_param, in this order", () => {
    const { train, test } = nets(`net_param { name: "n" } test_net: "nets/train.prototxt"
      test_net_param { name: "a" } test_net_param { name: "b" } test_iter: [1, 2, 3, 4] test_interval: 1`);
    expect(train.net.name).to.equal("n");
    expect(test.map((each) => each.net.name)).to.deep.equal(["a", "b", "file", "n"]);
  });

  it("tests nothing without test_iter", () => {
    expect(nets(net).test).to.deep.equal([]);
    expect(nets("train_net_param { name: 't' }").train.net.name).to.equal("t");
  });

  const refused: readonly (readonly [solver: string, message: RegExp])[] = [
    ["max_iter: 3", /^solver:1:1: the solver names no net to train\n[\s\S]*note: add net: "FILE.prototxt"/],
    [`${net} train_net: "b"`, /^solver:1:6: the solver names its train net twice: train_net and net/],
    [`${net} test_net: "b"`, /^solver:1:39: 1 test nets need one test_iter each, found 0/],
    ["train_net_param { } test_iter: 1", /^solver:1:32: 0 test nets need one test_iter each, found 1/],
    [`${net} test_iter: 1 test_state { } test_state { }`, /^solver:1:42: test_state is given once per test net \(1\)/],
    [`${net} test_iter: 1`, /^solver:1:40: testing needs a test_interval of at least 1/],
    [`${net} average_loss: 0`, /^solver:1:43: average_loss is at least 1/],
    [
      'net: "nets/trian.prototxt"',
      /^solver:1:6: no such file: nets\/trian.prototxt\n[\s\S]*did you mean DIR\/nets\/train.prototxt\?/,
    ],
  ];
  for (const [solver, message] of refused)
    it(`refuses ${solver.trim()}`, () => expect(refusal(() => nets(solver))).to.match(message));
});
