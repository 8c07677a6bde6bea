import { readFileSync } from "node:fs";
import { expect } from "chai";
import { extraParam } from "../../lib/layers/extra-param.js";
import { loadNet, loadSolver } from "../../lib/caffe/load.js";
import { NetrunError, positionOf } from "../../lib/error.js";
import { spanOf } from "../../lib/text/notes.js";
import { printText } from "../../lib/text/print.js";
import { goldenPath } from "../support/shared.js";

const upgraded = (text: string) => printText(loadNet(text).message);

function warningsFor(text: string): string[] {
  const warnings: string[] = [];
  loadNet(text, { name: "old.prototxt", onWarning: (warning) => warnings.push(warning.format()) });
  return warnings;
}

function refusal(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    if (error instanceof NetrunError) return error.format();
    throw error;
  }
  throw new Error("not refused");
}

describe("nets in old formats", () => {
  for (const name of ["v0", "v1_all_types", "v1_inputs", "v1_train"])
    it(`upgrade_${name} becomes what Caffe makes of it`, () => {
      const text = (end: string) => readFileSync(goldenPath("text", `upgrade_${name}.${end}`), "utf8");
      expect(upgraded(text("prototxt"))).to.equal(upgraded(text("upgraded")));
    });
});

describe("upgrading a net", () => {
  it("says once what is old in it", () => {
    expect(warningsFor('input: "a" input_dim: [1, 1, 2, 2]\nlayers { type: RELU bottom: "a" top: "a" }')).to.deep.equal(
      ["old.prototxt: has old V1 layers, input fields, read as what they are today"],
    );
    expect(warningsFor('layer { type: "ReLU" }')).to.deep.equal([]);
  });

  it("says where input_dim are that no input takes", () => {
    expect(warningsFor(`input: "a"\ninput_dim: [1, 2, 3, 4${", 5".repeat(100_000)}]`)[0]).to.match(
      /^old.prototxt:2:25: 100004 input_dim for 1 input, which take 4 each\n/,
    );
  });

  it("keeps the place of every field that has a value of the user's", () => {
    const net = loadNet(
      `layers { bottom: "a" top: "b" name: "c" type: CONVOLUTION
  blobs_lr: 1 blobs_lr: 2
  convolution_param { num_output: 3 } }`,
    ).message;
    const layer = net.layer[0]!;
    expect(positionOf(spanOf(layer, "bottom")!)).to.deep.equal({ line: 1, column: 18 });
    expect(positionOf(spanOf(layer, "type")!)).to.deep.equal({ line: 1, column: 47 });
    expect(positionOf(spanOf(layer.convolution_param!, "num_output")!)).to.deep.equal({ line: 3, column: 35 });
    expect(positionOf(spanOf(layer.param[1]!)!)).to.deep.equal({ line: 2, column: 25 });
  });

  it("keeps places in V0's flat layers", () => {
    const net = loadNet('layers { layer { name: "c" type: "conv"\n kernelsize: 5 } bottom: "x" top: "y" }').message;
    const layer = net.layer[0]!;
    expect(positionOf(spanOf(layer, "name")!)).to.deep.equal({ line: 1, column: 24 });
    expect(positionOf(spanOf(layer.convolution_param!, "kernel_size")!)).to.deep.equal({ line: 2, column: 14 });
    expect(positionOf(spanOf(layer)!)).to.deep.equal({ line: 1, column: 1 });
  });

  it("takes input_shape, and keeps multiplers off BatchNorm's statistics", () => {
    const text = `input: "a" input_shape { dim: [2, 3] }
layer { type: "BatchNorm" bottom: "a" top: "a" param { name: "m" lr_mult: 1 } param { } param { } }`;
    expect(upgraded(text)).to.equal(`layer {
  name: "input"
  type: "Input"
  top: "a"
  input_param {
    shape {
      dim: 2
      dim: 3
    }
  }
}
layer {
  type: "BatchNorm"
  bottom: "a"
  top: "a"
  param {
    name: "m"
    lr_mult: 0
    decay_mult: 0
  }
  param {
    lr_mult: 0
    decay_mult: 0
  }
  param {
    lr_mult: 0
    decay_mult: 0
  }
}
`);
  });

  it("leaves an input without a shape open, and says so", () => {
    const text = 'input: "a" input: "b" input_dim: [1, 3, 2, 2]\ninput: "c"';
    expect(warningsFor(text).map((warning) => warning.split("\n")[0])).to.include(
      'old.prototxt:1:19: input "b" has no shape',
    );
    const { layer } = loadNet(text).message;
    expect(layer.map(({ top, input_param }) => [top, input_param?.shape.map(({ dim }) => dim)])).to.deep.equal([
      [["a"], [[1, 3, 2, 2]]],
      [["b"], undefined],
      [["c"], undefined],
    ]);
  });

  it("reads a V0 type of a fork by its words, and that of the first Caffe by its meaning", () => {
    const text = `layers { layer { name: "x" type: "locally_connected" num_output: 4 } }
      layers { layer { name: "s" type: "softmaxloss" } }`;
    expect(warningsFor(text)[0]).to.match(
      /^old.prototxt:1:34: layer "x": there is no V0 layer type "locally_connected" in Caffe\n[\s\S]*refused/,
    );
    const { layer } = loadNet(text).message;
    expect(layer.map(({ type }) => type)).to.deep.equal(["LocallyConnected", "SoftmaxWithLoss"]);
    expect(extraParam(layer[0]!, "locally_connected_param")).to.deep.equal({ num_output: 4 });
    expect(warningsFor('layers { layer { name: "x" type: "pol" } }')[0]).to.match(/did you mean "pool"\?/);
  });

  it("warns about V0 fields that mean nothing to their type", () => {
    expect(warningsFor('layers { layer { name: "r" type: "relu" pad: 1 } }')[0]).to.match(
      /^old.prototxt:1:46: layer "r": pad has no meaning for a V0 layer of type "relu" and is ignored/,
    );
  });

  it("warns about transformation fields that Caffe does not look at", () => {
    expect(warningsFor('layer { name: "d" type: "Data" data_param { crop_size: 3 } }')[0]).to.match(
      /^old.prototxt:1:56: layer "d": data_param.crop_size has no effect, in Caffe as here/,
    );
  });
});

describe("upgrading a solver", () => {
  it("turns solver_type into type", () => {
    expect(printText(loadSolver("solver_type: RMSPROP").message)).to.equal('type: "RMSProp"\n');
  });

  it("refuses both", () => {
    expect(refusal(() => loadSolver('type: "Adam" solver_type: SGD', { name: "s" }))).to.match(
      /^s:1:27: a solver has either `type` or the old `solver_type`, not both/,
    );
  });
});
