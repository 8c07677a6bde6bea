import { expect } from "chai";
import { loadNet, loadSolver } from "../../lib/caffe/load.js";
import { NetrunError } from "../../lib/error.js";
import { lower } from "../../lib/net/lower.js";
import { Net } from "../../lib/api/net.js";
import { convert } from "../../lib/convert/index.js";
import { printText } from "../../lib/text/print.js";
import { failure } from "../support/failure.js";

const INPUT = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [1, 4, 7, 7] } } }
`;

/** Shapes of all blobs of a net whose input is x [1, 4, 7, 7]. */
function shapesOf(text: string): Record<string, readonly number[]> {
  const { blobs } = lower(loadNet(INPUT + text).message.layer, { phase: "TEST" });
  return Object.fromEntries([...blobs].map(([name, { type }]) => [name, type.shape]));
}

function errorOf(text: string): string {
  try {
    shapesOf(text);
  } catch (error) {
    if (error instanceof NetrunError) return error.format();
    throw error;
  }
  return "nothing";
}

function warningsOf(text: string): string[] {
  const warnings: string[] = [];
  loadNet(text, { onWarning: (warning) => warnings.push(warning.format()) });
  return warnings;
}

describe("several fields of forks in one layer", () => {
  it("are named in one error", () => {
    const data = `layer { name: "d" type: "Convolution" bottom: "x" top: "d" convolution_param { num_output: 1 kernel_size: 1 own_a: 1 own_b: 2 own_c: 3 } }`;
    expect(errorOf(data)).to.contain("has no field own_a").and.to.contain("note: refused here too: own_b, own_c");
    expect(errorOf(data.replace("own_b: 2 own_c: 3", ""))).to.not.contain("refused here too");
  });
});

describe("fields of forks that change shapes", () => {
  const pool = (param: string) =>
    shapesOf(
      `layer { name: "p" type: "Pooling" bottom: "x" top: "p" pooling_param { kernel_size: 2 stride: 2 ${param} } }`,
    );

  it("are honoured: ceil_mode, with round_mode's meaning", () => {
    expect(pool("")["p"]).to.deep.equal([1, 4, 4, 4]);
    expect(pool("ceil_mode: true")["p"]).to.deep.equal([1, 4, 4, 4]);
    expect(pool("ceil_mode: false")["p"]).to.deep.equal([1, 4, 3, 3]);
    expect(pool("round_mode: FLOOR")["p"]).to.deep.equal([1, 4, 3, 3]);
    expect(pool("round_mode: FLOOR ceil_mode: false")["p"]).to.deep.equal([1, 4, 3, 3]);
  });

  it("are refused where they contradict Caffe's own", () => {
    expect(() => pool("round_mode: FLOOR ceil_mode: true")).to.throw("ceil_mode and round_mode say different things");
  });

  const convolution = (param: string) =>
    shapesOf(
      `layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 2 kernel_size: 3 ${param} } }`,
    );

  it("are honoured: DeepLab's hole and the two-sided dilations are dilation", () => {
    expect(convolution("hole: 2")["c"]).to.deep.equal([1, 2, 3, 3]);
    expect(convolution("hole_h: 2")["c"]).to.deep.equal([1, 2, 3, 5]);
    expect(convolution("dilation_h: 2 dilation_w: 3")["c"]).to.deep.equal([1, 2, 3, 1]);
  });

  it("are honoured in V1 layers too", () => {
    const v1 = `input: "x" input_dim: [1, 4, 7, 7]
      layers { name: "p" type: POOLING bottom: "x" top: "p" pooling_param { kernel_size: 2 stride: 2 ceil_mode: false } }`;
    const { blobs } = lower(loadNet(v1).message.layer, { phase: "TEST" });
    expect(blobs.get("p")!.type.shape).to.deep.equal([1, 4, 3, 3]);
  });
});

describe("fields of forks that netrun does not have", () => {
  const topk = `layer {
  name: "r" type: "Reduction" bottom: "x" top: "r"
  reduction_param { operation: TOPK k: 3 }
}`;

  it("are reported with their meaning when the net is read, and refused at their place when it runs", () => {
    expect(warningsOf(topk)[0]).to.equal(`<text>:3:32: operation has no value TOPK
  3 |   reduction_param { operation: TOPK k: 3 }
    |                                ^^^^
note: of caffe-action, TSN: the mean of the k largest entries
note: where the net runs it is refused: netrun does not compute it, and the numbers would be others`);
    expect(errorOf(topk)).to.match(
      /^<text>:4:32: layer "r": operation: TOPK is a value of a fork of Caffe that netrun does not have\n/,
    );
  });

  it("of fillers are refused where they fill", async () => {
    const filler = (field: string) =>
      `${INPUT}layer { name: "c" type: "Convolution" bottom: "x" top: "c"
        convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "msra" ${field} } } }`;
    await failure(Net.load(filler("scale: 2")), '<text>:3:87: layer "c": scale: 2 is a field of a fork of Caffe');
    await using net = await Net.load(filler("scale: 1.0"));
    expect(net.params.get("c")).to.have.length(2);
  });

  it("are refused within messages in messages, and where nobody knows an enum's value", () => {
    const resized = `layer { name: "r" type: "ReLU" bottom: "x" top: "r" transform_param { resize_param { odd: 1 } } }`;
    expect(errorOf(resized)).to.match(/^<text>:2:\d+: layer "r": ResizeParameter has no field odd, which may change/);
    expect(
      errorOf(`layer { name: "p" type: "Pooling" bottom: "x" top: "p" pooling_param { pool: MEDIAN kernel_size: 2 } }`),
    ).to.match(/^<text>:2:78: layer "p": pool: MEDIAN is a value of a fork/);
  });

  it("are refused where nobody knows them, a net's own too", async () => {
    const relu = (field: string) => `layer { name: "r" type: "ReLU" bottom: "x" top: "r" ${field} }`;
    expect(errorOf(relu("relu_param { negative_slop: 0.1 }"))).to.match(
      /^<text>:2:66: layer "r": ReLUParameter has no field negative_slop, which may change what is computed\n[\s\S]*did you mean negative_slope/,
    );
    expect(errorOf(relu("odd_param { a: 1 }"))).to.contain("LayerParameter has no field odd_param, which may change");
    const own = `item { name: "none" } ${INPUT}${relu("")}`;
    await failure(Net.load(own), "<text>:1:1: NetParameter has no field item, which may change what is computed");
    await failure(convert(own, new Map()), "NetParameter has no field item, which may change what is computed");
  });

  it("of a layer's parameters are no misspelling of another layer's with as many letters", () => {
    const said = (field: string) => warningsOf(`layer { name: "r" type: "ReLU" bottom: "x" top: "r" ${field} { } }`)[0];
    expect(said("foo_param")).to.contain("Caffe has no such field; it is from a fork of Caffe or misspelt");
    expect(said("rellu_param")).to.contain("did you mean relu_param?");
    expect(said("relu_parm")).to.contain("did you mean relu_param?");
  });

  it("that are read as something else, or are their default, are not said to be refused or without an effect", () => {
    const set = (type: string, param: string) => `layer { name: "l" type: "${type}" bottom: "x" top: "l" ${param} }`;
    for (const [text, last] of [
      [set("BatchNorm", "batch_norm_param { relu: true }"), "read as a ReLU layer after it"],
      [set("Convolution", "convolution_param { fuse_type: FUSED_CONV_RELU }"), "read as that"],
      [set("LRN", "lrn_param { fuse_type: FUSED_POOL_MAX }"), "read as the Pooling after it that pooling_param says"],
      ['layers { name: "l" type: UNPOOLING }', "read as those of today that have the same words"],
      [set("Convolution", "convolution_param { fuse_type: UNFUSED }"), "it has no effect here"],
      [set("BatchNorm", "batch_norm_param { bias_term: true }"), "it has no effect here"],
      [set("BatchNorm", "batch_norm_param { bias_term: false }"), "it is refused: netrun has scale and bias together"],
      [
        set("Convolution", "convolution_param { fuse_type: FUSED_CONV_ELTWISE }"),
        "write the layers that are fused after it",
      ],
    ] as const)
      expect(warningsOf(text)[0], text).to.match(new RegExp(`${last}$`));
  });

  it("are kept by their numbers too, as by their names", () => {
    const loss = `layer { name: "l" type: "SigmoidCrossEntropyLoss" bottom: "x" bottom: "x" top: "l" loss_param { normalization: 7 } }`;
    expect(warningsOf(loss)[0]).to.contain("normalization has no value 7");
    expect(printText(loadNet(loss).message)).to.contain("normalization: 7");
    expect(errorOf(loss)).to.contain('layer "l": normalization: 7 is a value of a fork of Caffe');
  });

  it("in the wrong message are said to belong to another", () => {
    const convolution = (own: string, param: string) =>
      `layer { name: "c" type: "Convolution" bottom: "x" top: "c" ${own} convolution_param { num_output: 2 kernel_size: 3 ${param} } }`;
    for (const [text, home] of [
      [convolution("lr_mult: 2", ""), "ParamSpec has such a field: is it in the wrong message?"],
      [convolution("", "param { lr_mult: 1 }"), "LayerParameter has such a field: is it in the wrong message?"],
      [convolution("global_pooling: true", ""), "PoolingParameter has such a field: is it in the wrong message?"],
    ] as const)
      expect(warningsOf(text)[0]).to.contain(home);
  });

  it("change nothing as their default, however it is written", () => {
    const set = (type: string, param: string) => `layer { name: "l" type: "${type}" bottom: "x" top: "l" ${param} }`;
    for (const smoothing of ["0", "0.0", "0.", "0f", "0e0"])
      expect(errorOf(set("Silence", `loss_param { label_smoothing: ${smoothing} }`).replace(' top: "l"', ""))).to.equal(
        "nothing",
      );
    for (const term of ["true", "True", "t", "1"])
      expect(errorOf(set("BatchNorm", `batch_norm_param { bias_term: ${term} }`))).to.equal("nothing");
    for (const type of ['"bilinear"', "'bilinear'"])
      expect(errorOf(set("Interp", `interp_param { zoom_factor: 2 interp_type: ${type} }`))).to.equal("nothing");
    expect(errorOf(set("BatchNorm", "batch_norm_param { bias_term: false }"))).to.contain("bias_term: false");
    expect(errorOf(set("Silence", "loss_param { label_smoothing: 0.1 }"))).to.contain("label_smoothing: 0.1");
  });

  it("are kept in the text", () => {
    expect(printText(loadNet(topk).message)).to.contain("    operation: TOPK\n    k: 3\n");
  });

  it("are refused in lists of messages too", () => {
    const text = `layer { name: "c" type: "Convolution" bottom: "x" top: "c" param { lr_mult: 1 } param { mask_mult: 2 }
      convolution_param { num_output: 2 kernel_size: 3 } }`;
    expect(errorOf(text)).to.match(/^<text>:2:89: layer "c": ParamSpec has no field mask_mult, which may change/);
  });

  it("do no harm where they change no number", () => {
    const engine = `default_forward_type: FLOAT16
      layer { name: "c" type: "Convolution" bottom: "x" top: "c" forward_math: FLOAT
        convolution_param { num_output: 2 kernel_size: 3 engine: MKLDNN cudnn_convolution_algo_seeker: FINDEX } }`;
    expect(shapesOf(engine)["c"]).to.deep.equal([1, 2, 5, 5]);
    expect(warningsOf(engine).filter((warning) => !warning.includes("note: it has no effect here"))).to.deep.equal([]);
  });

  it("that look like a misspelt value of Caffe's are errors", () => {
    expect(
      errorOf(`layer { name: "p" type: "Pooling" bottom: "x" top: "p" pooling_param { pool: AVG kernel_size: 2 } }`),
    ).to.match(/pool has no value AVG\n[\s\S]*did you mean AVE/);
  });

  it("that are lists where Caffe has one value are warned about", () => {
    const warnings: string[] = [];
    const solver = loadSolver("base_lr: 0.1 device_id: [0,1]", { onWarning: ({ message }) => warnings.push(message) });
    expect([solver.message.base_lr, warnings]).to.deep.equal([Math.fround(0.1), ["device_id has no value [...]"]]);
  });
});

describe("lists of forks where Caffe has one value", () => {
  const input = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [1, 4, 8, 8, 6] } } }\n`;
  const pool = (param: string) =>
    `${input}layer { name: "p" type: "Pooling" bottom: "x" top: "p" pooling_param { ${param} } }`;
  const shapeOf = (text: string) => lower(loadNet(text).message.layer, { phase: "TEST" }).blobs.get("p")!.type.shape;

  it("are a number for each axis of a Pooling", () => {
    expect(shapeOf(pool("kernel_size: 2 kernel_size: 2 kernel_size: 3 stride: 2 stride: 2 stride: 3"))).to.deep.equal([
      1, 4, 4, 4, 2,
    ]);
    expect(shapeOf(pool("kernel_size: [2, 2, 3] stride: 1"))).to.deep.equal([1, 4, 7, 7, 4]);
    expect(
      shapesOf(
        `layer { name: "p" type: "Pooling" bottom: "x" top: "p" pooling_param { kernel_size: 2 kernel_size: 3 stride: 1 } }`,
      )["p"],
    ).to.deep.equal([1, 4, 6, 5]);
  });

  it("are refused in layers that do not read them, and in strict reading", () => {
    const other = pool("kernel_size: 2 kernel_size: 3").replace('"Pooling"', '"Pooling3D"');
    expect(() => shapeOf(other)).to.throw('layer "p": kernel_size: 3 is a value of a fork of Caffe');
    expect(() => loadNet(pool("kernel_size: 2 kernel_size: 3"), { strict: true })).to.throw("kernel_size has no value");
  });

  it("may be messages, all of which are kept", () => {
    const text = `layer { name: "d" type: "Silence" bottom: "x" transform_param {
      resize_param { height: 300 width: 400 } resize_param { height: 500 width: 600 interp_mode: [LINEAR, AREA] } } }`;
    const { layer } = loadNet(INPUT + text).message;
    expect(layer[1]!.transform_param!.resize_param.map(({ height }) => height)).to.deep.equal([300, 500]);
    expect(printText(layer[1]!)).to.match(/width: 600\n\s+interp_mode: LINEAR/);
  });

  it("are errors in fields of which no fork has several", () => {
    expect(() => loadNet('layer { name: "a" name: "b" }')).to.throw("name is set twice");
  });
});

describe("layers of forks that are Caffe's under another name", () => {
  it("are fused: a convolution and its ReLU, an LRN and the pooling after it", () => {
    const text = `layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { fuse_type: FUSED_CONV_RELU num_output: 2 kernel_size: 1 } }
      layer { name: "n" type: "LRN" bottom: "c" top: "p" lrn_param { fuse_type: FUSED_POOL_MAX local_size: 3
        pooling_param { pool: MAX kernel_size: 3 stride: 2 } } }`;
    const { layer } = loadNet(INPUT + text).message;
    expect(layer.map(({ name, type, bottom, top }) => [name, type, ...bottom, ...top])).to.deep.equal([
      ["x", "Input", "x"],
      ["c", "Convolution", "x", "c"],
      ["n", "LRN", "c", "n/unpooled"],
      ["n/pool", "Pooling", "n/unpooled", "p"],
    ]);
    expect([layer[1]!.convolution_param!.relu, layer[2]!.lrn_param!.local_size]).to.deep.equal([true, 3]);
    expect(shapesOf(text)["p"]).to.deep.equal([1, 2, 3, 3]);
    expect(errorOf(text.replace("FUSED_CONV_RELU", "FUSED_CONV_ELTWISE"))).to.contain(
      "write the layers that are fused",
    );
  });

  it("are fused: Intel's BatchNorm and its ReLU, in place as well and in its phase", () => {
    const text = `layer { name: "b" type: "BatchNorm" bottom: "x" top: "x" batch_norm_param { relu: true eps: 0.5 } include { phase: TEST } }
      layer { name: "p" type: "Power" bottom: "x" top: "p" }`;
    const { layer } = loadNet(INPUT + text).message;
    expect(layer.slice(1).map(({ name, type, bottom, top }) => [name, type, ...bottom, ...top])).to.deep.equal([
      ["b", "BatchNorm", "x", "x"],
      ["b/relu", "ReLU", "x", "x"],
      ["p", "Power", "x", "p"],
    ]);
    expect(layer.map(({ include }) => include.length)).to.deep.equal([0, 1, 1, 0]);
    expect(layer[1]!.batch_norm_param!.eps).to.equal(0.5);
    expect(shapesOf(text)["p"]).to.deep.equal([1, 4, 7, 7]);
    expect(loadNet(INPUT + text.replace("relu: true", "relu: false")).message.layer).to.have.length(3);
  });

  it("have a type of their own: LRN within channels", () => {
    const net = `input: "x" input_dim: [1, 4, 7, 7] layers { name: "n" type: LRN_MAP bottom: "x" top: "n" lrn_param { local_size: 3 } }`;
    const [, norm] = loadNet(net).message.layer;
    expect([norm!.type, norm!.lrn_param!.norm_region, norm!.lrn_param!.local_size]).to.deep.equal(["LRN", 1, 3]);
  });

  it("have the window of an Unpooling in its pooling_param", () => {
    const text = `layer { name: "p" type: "Pooling" bottom: "x" top: "p" top: "mask" pooling_param { kernel_size: 3 stride: 2 } }
      layer { name: "u" type: "Unpooling" bottom: "p" bottom: "mask" top: "u" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }`;
    expect(shapesOf(text)["u"]).to.deep.equal([1, 4, 7, 7]);
    const { layer } = loadNet(INPUT + text.replace("{ pool: MAX", "{ pool: AVE")).message;
    expect(layer[2]!.unpooling_param).to.include({ unpool: 1, kernel_size: 3, stride: 2 });
  });

  it("have C3D v1.1's own parameters", () => {
    const text = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [1, 3, 4, 8, 8] } } }
      layer { name: "c" type: "Convolution3D" bottom: "x" top: "c"
        convolution3d_param { num_output: 2 kernel_size: 3 kernel_depth: 3 pad: 1 temporal_pad: 1 } }
      layer { name: "p" type: "Pooling3D" bottom: "c" top: "p"
        pooling3d_param { pool: MAX kernel_size: 2 kernel_depth: 1 stride: 2 temporal_stride: 1 } }`;
    expect(lower(loadNet(text).message.layer, { phase: "TEST" }).blobs.get("p")!.type.shape).to.deep.equal([
      1, 2, 4, 4, 4,
    ]);
  });

  it("are read as those", () => {
    const text = `${INPUT}layer { name: "e" type: "Eltwise" bottom: "x" top: "e" eltwise_param { operation: SUM coeff: 0.5 } }
      layer { name: "c" type: "ConvolutionRistretto" bottom: "e" top: "c" convolution_param { num_output: 2 kernel_size: 3 }
        quantization_param { bw_params: 8 } }`;
    const { layer } = loadNet(text).message;
    expect(layer.map(({ type }) => type)).to.deep.equal(["Input", "Power", "Convolution"]);
    expect(layer[1]!.power_param!.scale).to.equal(0.5);
    expect(() => lower(layer, { phase: "TEST" })).to.throw('layer "c": quantization_param is a field of a fork');
  });
});

describe("V1 layer types of forks", () => {
  it("have fields with the meanings of today's", () => {
    const text = `input: "x" input_dim: [1, 4, 7, 7]
      layers { name: "c" type: CONVOLUTION bottom: "x" top: "c" quantization_param { bw: 8 } convolution_param { num_output: 2 kernel_size: 3 } }`;
    expect(warningsOf(text)[0]).to.contain("of Ristretto, Intel: the layer computes in few bits");
  });

  it("have the names of today", () => {
    const { layer } =
      loadNet(`layers { name: "a" type: ROI_POOLING bottom: "x" bottom: "r" top: "a" roi_pooling_param { pooled_h: 6 pooled_w: 7 } }
      layers { name: "b" type: SMOOTH_L1_LOSS bottom: "a" bottom: "t" top: "b" }
      layers { name: "c" type: IMAGE_SEG_DATA top: "d" }`).message;
    expect(layer.map(({ type }) => type)).to.deep.equal(["ROIPooling", "SmoothL1Loss", "ImageSegData"]);
    expect(layer[0]!.roi_pooling_param).to.include({ pooled_h: 6, pooled_w: 7 });
  });

  it("load whatever their words are, near to one of Caffe's or not", () => {
    const text = `layers { name: "a" type: UNPOOLING bottom: "x" top: "a" unpooling_param { kernel_size: 2 unpool_size: 4 } }
      layers { name: "b" type: CONVOLUTION_DILATED bottom: "a" top: "b" }`;
    const { layer } = loadNet(text).message;
    expect(layer.map(({ type }) => type)).to.deep.equal(["Unpooling", "ConvolutionDilated"]);
    expect(warningsOf(text).join("\n")).to.contain("it is read by its words: UNPOOLING is Unpooling");
  });
});
