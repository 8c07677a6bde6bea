import { expect } from "chai";
import { convert } from "../../lib/convert/index.js";
import { NetrunError } from "../../lib/error.js";
import { openModelFile } from "../../lib/onnx/file.js";
import { failure } from "../support/failure.js";

const text = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [1, 2, 4, 4] } } }
layer { name: "r" type: "ReLU" bottom: "x" top: "r" }
layer { name: "odd" type: "NobodysLayer" bottom: "r" top: "o" }
layer { name: "s" type: "Sigmoid" bottom: "o" top: "s" }`;

async function errorOf(outputs?: readonly string[]): Promise<string> {
  try {
    await convert(text, new Map(), outputs ? { outputs } : {});
  } catch (error) {
    if (error instanceof NetrunError) return error.format();
    throw error;
  }
  return "nothing";
}

describe("converting a net with a layer that netrun does not have", () => {
  it("cuts the net before it for outputs that do not need it", async () => {
    const { report } = await convert(text, new Map(), { outputs: ["r"] });
    expect(Object.keys(report.outputs)).to.deep.equal(["r"]);
    expect(report.verification!.every(({ within }) => within)).to.equal(true);
  });

  it("needs no shapes of what the outputs do not need, such as the labels that OpenPose's nets slice", async () => {
    const pose = `layer { name: "data" type: "CPMData" top: "data" top: "label" }
      layer { name: "s" type: "Slice" bottom: "label" top: "mask" top: "map" slice_param { axis: 1 slice_point: 2 } }
      layer { name: "r" type: "ReLU" bottom: "data" top: "data" }
      layer { name: "p" type: "Power" bottom: "data" top: "p" power_param { scale: 2 } }
      layer { name: "e" type: "Eltwise" bottom: "p" bottom: "mask" top: "masked" eltwise_param { operation: PROD } }
      layer { name: "l" type: "EuclideanLoss" bottom: "masked" bottom: "map" top: "l" }`;
    const { report } = await convert(pose, new Map(), { shapes: { data: [1, 2, 3, 3] }, outputs: ["p"] });
    expect([Object.keys(report.inputs), Object.keys(report.outputs)]).to.deep.equal([["data"], ["p"]]);
    expect(report.verification!.every(({ within }) => within)).to.equal(true);
    await failure(convert(pose, new Map(), { shapes: { data: [1, 2, 3, 3] } }), "axis 1 is out of range");
  });

  it("is refused at that layer where an output needs it, or none is named, with the way to cut", async () => {
    for (const outputs of [undefined, ["s"], ["r", "s"]])
      expect(await errorOf(outputs)).to.match(
        /^<text>:3:27: layer "odd": unknown layer type "NobodysLayer"\n[\s\S]*note: --outputs A,B converts the net before it: blobs such as "r"$/,
      );
  });
});

describe("converting a training net of DetectNet", () => {
  it("leaves out the maps of boxes and what only they lead to, and subtracts the mean", async () => {
    const data = (name: string) =>
      `layer { name: "${name}" type: "Data" top: "${name}" data_param { source: "${name}" batch_size: 2 } }`;
    const layer = (name: string, type: string, bottoms: readonly string[], top: string, param = "") =>
      `layer { name: "${name}" type: "${type}" ${bottoms.map((bottom) => `bottom: "${bottom}"`).join(" ")} top: "${top}" ${param} }`;
    const net = `${data("data")} ${data("label")}
      layer { name: "t" type: "DetectNetTransformation" bottom: "data" bottom: "label" top: "images" top: "maps"
        transform_param { mean_value: 3 } detectnet_groundtruth_param { stride: 2 image_size_x: 6 image_size_y: 4 } }
      layer { name: "s" type: "Slice" bottom: "maps" top: "boxes" top: "cover" slice_param { axis: 1 slice_point: 8 } }
      ${layer("c", "Power", ["images"], "coverage", "power_param { scale: 2 }")}
      ${layer("b", "Power", ["images"], "found", "power_param { scale: 5 }")}
      ${layer("m", "Eltwise", ["found", "boxes"], "masked", "eltwise_param { operation: PROD }")}
      ${layer("l1", "L1Loss", ["masked", "boxes"], "l1")} ${layer("l2", "EuclideanLoss", ["coverage", "cover"], "l2")}`;
    const { model, report } = await convert(net, new Map(), { shapes: { data: [1, 3, 4, 6] } });
    expect(Object.keys(report.outputs).sort()).to.deep.equal(["coverage", "found"]);
    await using file = await openModelFile(model);
    expect(file.inputs.map(({ name }) => name)).to.deep.equal(["data"]);
    const x = { shape: [1, 3, 4, 6], data: Float32Array.from({ length: 72 }, (_, i) => i) };
    const { coverage } = await file.run({ data: x });
    expect([...coverage!.data]).to.deep.equal(Array.from(x.data, (value) => 2 * (value - 3)));
    const mean = `${data("data")} ${data("label")}
      layer { name: "t" type: "DetectNetTransformation" bottom: "data" bottom: "label" top: "images" top: "maps"
        transform_param { mean_value: [1, 2, 3] } }
      ${layer("c", "Power", ["images"], "coverage")}`;
    await failure(
      convert(mean, new Map(), { shapes: { data: [1, 3, 4, 6], label: [1, 1, 4, 6] } }),
      'unknown layer type "DetectNetTransformation"',
    );
  });
});

describe("converting a net whose data nobody reads", () => {
  const net = (data: string) => `${data}
layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 2 kernel_size: 3 } }
layer { name: "l" type: "SoftmaxWithLoss" bottom: "c" bottom: "label" top: "l" }`;
  const inputsOf = async (data: string) => {
    const { report } = await convert(net(data), new Map(), { allowMissing: true });
    return Object.entries(report.inputs).map(([name, shape]) => [name, ...shape.slice(1)]);
  };

  it("takes its size from the layer's own parameters, whatever its name or language", async () => {
    const python = `layer { name: "d" type: "Python" top: "data" top: "label"
      python_param { module: "m" layer: "L" param_str: "{'im_shape': [20, 30], 'batch_size': 4}" } }`;
    expect(await inputsOf(python)).to.deep.equal([["data", 3, 20, 30]]);
    const foreign = `layer { name: "d" type: "MyOwnData" top: "data" top: "label" my_param { batch_size: 4 crop_size: 24 } }`;
    expect(await inputsOf(foreign)).to.deep.equal([["data", 3, 24, 24]]);
  });
});

describe("shapes that a data layer of a fork says for each of its tops", () => {
  it("are those of its inputs", async () => {
    const net = `layer { name: "d" type: "RemoteData" top: "data" top: "label" remote_data_param { address: "tcp://host:8888"
        shape { dim: 25 dim: 3 dim: 8 dim: 8 } shape { dim: 25 } } }
      layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 2 kernel_size: 3 } }
      layer { name: "l" type: "SoftmaxWithLoss" bottom: "c" bottom: "label" top: "l" }`;
    const { report } = await convert(net, new Map(), { allowMissing: true, verify: 0 });
    expect(report.inputs).to.deep.equal({ data: ["N", 3, 8, 8] });
  });
});

describe("converting a net that a program fed and read", () => {
  it("has inputs of the blobs that no layer makes and whose shapes are given", async () => {
    const fed = `layer { name: "p" type: "Power" bottom: "data" top: "y" power_param { scale: 0.5 } }`;
    const { report } = await convert(fed, new Map(), { shapes: { data: [1, 3] } });
    expect([report.inputs, report.outputs]).to.deep.equal([{ data: ["N", 3] }, { y: ["N", 3] }]);
    expect(report.verification!.every(({ within }) => within)).to.equal(true);
  });

  it("gives what it silences, where that is all that it computes", async () => {
    const net = (rest: string) => `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [1, 2] } } }
      layer { name: "r" type: "ReLU" bottom: "x" top: "r" }
      layer { name: "s" type: "Silence" bottom: "r" }${rest}`;
    const outputs = async (rest: string) => Object.keys((await convert(net(rest), new Map())).report.outputs);
    expect(await outputs("")).to.deep.equal(["r"]);
    expect(await outputs(`layer { name: "t" type: "TanH" bottom: "x" top: "t" }`)).to.deep.equal(["t"]);
  });
});
