import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { convert } from "../../lib/convert/index.js";
import { inferenceNet } from "../../lib/convert/net.js";
import { toDot } from "../../lib/inspect/dot.js";
import { inspectNet } from "../../lib/inspect/index.js";
import { refusal } from "../support/net.js";

describe("inspecting nets of forks", () => {
  const inspect = (text: string, more: { readonly shapes?: ReadonlyMap<string, readonly number[]> } = {}) =>
    inspectNet(loadNet(text).message, { phase: "TEST", baseDir: ".", ...more });
  const shapes = ({ layers }: Awaited<ReturnType<typeof inspect>>) =>
    layers.flatMap(({ tops }) => tops.map(({ name, shape }) => [name, shape?.join("x")].join(" ")));
  const convolution = `layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 3 kernel_size: 3 } }`;
  const loss = `layer { name: "l" type: "SoftmaxWithLoss" bottom: "c" bottom: "label" top: "l" }`;

  it("takes a layer without bottoms for data, of the size that its parameters tell, with labels as the loss has them", async () => {
    const data = `layer { name: "d" type: "OddData" top: "data" top: "label" odd_param { batch_size: 4 crop_height: 6 crop_width: 8 } }`;
    const net = await inspect(`${data}\n${convolution}\n${loss}`);
    expect(shapes(net)).to.deep.equal(["data 4x3x6x8", "label 4x1x4x6", "c 4x3x4x6", "l "]);
    expect(net.complete).to.equal(true);
  });

  it("takes images of Caffe's data layers as a fork's crop of two sides makes them", async () => {
    for (const sides of ["crop_h: 6 crop_w: 8", "crop_height: 6 crop_width: 8", "crop_size_x: 8 crop_size_y: 6"]) {
      const data = `layer { name: "d" type: "Data" top: "data" top: "label" data_param { source: "db" batch_size: 4 } transform_param { ${sides} } }`;
      const net = await inspect(`${data}\n${convolution}`);
      expect(shapes(net), sides).to.deep.equal(["data 4x3x6x8", "label 4", "c 4x3x4x6"]);
      expect(net.notes.join()).to.contain("is a field of a fork of Caffe that netrun does not have");
    }
  });

  it("takes sizes of the other phase's data layer, and drops an assumption that does not fit", async () => {
    const train = `layer { name: "t" type: "Python" top: "data" include { phase: TRAIN } python_param { module: "m" layer: "L" param_str: "crop_size: 5" } }
      layer { name: "d" type: "OddData" top: "data" include { phase: TEST } }`;
    expect(shapes(await inspect(`${train}\n${convolution}`))).to.deep.equal(["data 1x3x5x5", "c 1x3x3x3"]);
    const small = await inspect(
      `layer { name: "d" type: "OddData" top: "data" odd_param { crop_size: 2 } }\n${convolution}`,
    );
    expect([small.complete, shapes(small)]).to.deep.equal([false, ["data ", "c "]]);
    expect(small.notes.join("\n")).to.match(
      /what is assumed of the data does not fit the net, and is dropped: layer "c": .*\(line 2\)/,
    );
  });

  it("shows what comes after a transformation that it does not compute, a decay of outputs and maps of points", async () => {
    const input = (name: string, dims: string) =>
      `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { dim: [${dims}] } } }`;
    const net = await inspect(`${input("data", "2, 3, 8, 8")} ${input("theta", "2, 8")} ${input("points", "2, 98")}
      layer { name: "s" type: "SpatialTransformer" bottom: "data" bottom: "theta" top: "s" st_param { output_H: 6 transform_type: "projective" } }
      layer { name: "o" type: "OutputDecay" bottom: "s" top: "s" output_decay_param { output_decay: 1e-10 } }
      layer { name: "m" type: "AUMaskBasedLand" bottom: "points" top: "m0" top: "m1" au_mask_based_land_param { img_size: 176 spatial_ratio: 0.14 spatial_scale: 0.25 } }
      layer { name: "r" type: "ReLU" bottom: "s" top: "r" }`);
    const known = shapes(net).slice(3);
    expect(known).to.deep.equal(["s 2x3x6x8", "s 2x3x6x8", "m0 2x1x44x44", "m1 2x1x44x44", "r 2x3x6x8"]);
    expect(net.complete).to.equal(true);
    expect(net.notes[0]).to.equal('layer "s": transform_type is not affine (line 2)');
  });

  it("says the field of a fork without which a layer does not fit, instead of refusing the net", async () => {
    const input = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 1, 5, 9, 9] } } }`;
    const odd = `layer { name: "c" type: "Crop" bottom: "data" top: "c" crop_param { dimsize: 3 } }
      layer { name: "p" type: "Pooling3D" bottom: "data" top: "p" nobodys_3d_settings { kernel: 2 } }`;
    const net = await inspect(`${input}\n${odd}`);
    expect(shapes(net)).to.deep.equal(["data 1x1x5x9x9", "c ", "p "]);
    expect(net.notes).to.deep.equal([
      'layer "c": dimsize: 3 is a field of a fork of Caffe that netrun does not have (line 2); shapes are not known after it: --shape c=N,C,H,W says them',
      'layer "p": LayerParameter has no field nobodys_3d_settings, which may change what is computed (line 3); shapes are not known after it: --shape p=N,C,H,W says them',
    ]);
    expect(toDot([net])).to.contain("c: Crop");
  });

  it("shows no shapes after a field from which they follow, and those without it after one that changes numbers", async () => {
    const input = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 4, 11, 11] } } }`;
    const pool = (param: string) =>
      inspect(`${input}
        layer { name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param { kernel_size: 3 stride: 2 ${param} } }
        layer { name: "r" type: "ReLU" bottom: "p" top: "r" }`);
    const without = await pool("avg_pool_divisor: 4");
    expect(shapes(without)).to.deep.equal(["data 1x4x11x11", "p 1x4x5x5", "r 1x4x5x5"]);
    expect(without.notes[0]).to.match(
      /avg_pool_divisor, which may change what is computed \(line 2\); shapes are those without it$/,
    );
    const both = await pool("avg_pool_divisor: 4 odd: 2");
    expect(both.notes.map((note) => /no field (\w+)/.exec(note)?.[1])).to.deep.equal(["avg_pool_divisor", "odd"]);
    for (const param of ["axis: 2", "avg_pool_divisor: 4 axis: 2"]) {
      const open = await pool(param);
      expect(shapes(open)).to.deep.equal(["data 1x4x11x11", "p ", "r "]);
      expect(open.notes).to.deep.equal([
        'layer "p": axis: 2 is a field of a fork of Caffe that netrun does not have (line 2); shapes are not known after it: --shape p=N,C,H,W says them',
      ]);
    }
  });

  it("notes a net's own field with which it does not run, and a shape that is given for a blob that is not there", async () => {
    const text = `bn_stats_batch_size: 4 odd_field: 1\nlayer { name: "d" type: "OddData" top: "data" }\n${convolution}`;
    const given = new Map([
      ["data", [1, 3, 5, 5]],
      ["dat", [1]],
    ]);
    const { notes } = await inspectNet(loadNet(text).message, { phase: "TEST", baseDir: ".", shapes: given });
    expect(notes).to.deep.equal([
      "bn_stats_batch_size: 4 is a field of a fork of Caffe that netrun does not have (line 1)",
      "NetParameter has no field odd_field, which may change what is computed (line 1)",
      'the net has no blob "dat", whose shape is given; did you mean "data"?',
    ]);
  });

  it("takes a data layer of more tops than netrun fills for one of a fork, whose data is given", async () => {
    const data = `layer { name: "d" type: "Data" top: "data" top: "speed" top: "distance" transform_param { crop_size: 6 } data_param { source: "db" batch_size: 4 } }`;
    const heads = ["speed", "distance"].map(
      (
        top,
      ) => `layer { name: "ip_${top}" type: "InnerProduct" bottom: "c" top: "ip_${top}" inner_product_param { num_output: 1 } }
        layer { name: "l_${top}" type: "EuclideanLoss" bottom: "ip_${top}" bottom: "${top}" top: "l_${top}" }`,
    );
    const text = `${data}\n${convolution}\n${heads.join("\n")}`;
    const net = await inspect(text);
    expect([net.complete, shapes(net).slice(0, 3)]).to.deep.equal([
      true,
      ["data 4x3x6x6", "speed 4x1", "distance 4x1"],
    ]);
    const { report } = await convert(text, new Map(), { allowMissing: true, verify: 0 });
    expect(Object.keys(report.outputs)).to.deep.equal(["ip_distance", "ip_speed"]);
    const error = refusal(text);
    expect(error).to.contain('layer "d": it has 3 tops, more than netrun\'s Data layers fill');
    expect(error).to.contain("give its data: --data PATH");
  });

  it("shows what lies before and beside a layer that it does not have", async () => {
    const input = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 6, 6] } } }`;
    const odd = `layer { name: "o" type: "NobodysLayer" bottom: "c" top: "o" } layer { name: "r" type: "ReLU" bottom: "o" top: "o" }
      layer { name: "s" type: "Sigmoid" bottom: "c" top: "s" }`;
    const net = await inspect(`${input}\n${convolution}\n${odd}`);
    expect(shapes(net)).to.deep.equal(["data 1x3x6x6", "c 1x3x4x4", "o ", "o ", "s 1x3x4x4"]);
    expect(net.notes).to.deep.equal([
      'layer "o": unknown layer type "NobodysLayer" (line 3); shapes are not known after it: --shape o=N,C,H,W says them',
    ]);
    const told = await inspect(`${input}\n${convolution}\n${odd}`, { shapes: new Map([["o", [1, 2, 4, 4]]]) });
    expect(shapes(told)).to.deep.equal(["data 1x3x6x6", "c 1x3x4x4", "o 1x2x4x4", "o 1x2x4x4", "s 1x3x4x4"]);
    expect([told.complete, told.notes]).to.deep.equal([
      true,
      ['layer "o": unknown layer type "NobodysLayer" (line 3)'],
    ]);
    expect(toDot([net])).to.contain("o: NobodysLayer");
  });
});

describe("layers of forks that netrun does not run", () => {
  const layer = (type: string, bottoms: readonly string[], param: string) =>
    `layer { name: "l" type: "${type}" ${bottoms.map((name) => `bottom: "${name}"`).join(" ")} top: "y" ${param} }`;
  const input = (name: string, ...dims: readonly number[]) =>
    `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { dim: [${dims}] } } }\n`;
  for (const [type, bottoms, param, shape] of [
    ["MergeCrop", ["rows", "x"], "", [2, 11, 4, 5]],
    ["RPN", ["x", "x", "rows"], "rpn_param { feat_stride: 16 per_nms_topn: 0; }", [1, 5, 1, 1]],
    ["MergeCrop", ["rows", "y3"], "mergecrop_param { operation: ADD }", [2, 3, 4, 5]],
    ["Resize", ["x"], "resize_param { height: 3 width: 4 }", [2, 8, 3, 4]],
    ["SpatialWta", ["x"], "spatial_wta_param { global_wta: true }", [2, 8, 6, 6]],
    ["ConvLSTM", ["steps", "cont"], "lstm_conv_param { num_output: 7 kernel_size: 3 pad: 1 }", [5, 2, 7, 4, 4]],
    ["SLLSTM", ["seq", "cont"], "recurrent_param { num_output: 7 }", [5, 2, 7]],
    ["CCCP", ["x"], "cccp_param { num_output: 3 }", [2, 3, 6, 6]],
    ["BNData", ["x"], "bn_param { moving_average: true }", [2, 8, 6, 6]],
    ["ConvolutionData", ["x"], "convolution_param { num_output: 3 kernel_size: 3 }", [2, 3, 4, 4]],
    ["DataSequence", ["rows", "label"], "data_sequence_param { k: 1 }", [2, 3, 4, 5]],
    ["SequenceAccuracy", ["x", "label"], "sequence_accuracy_param { blank_label: 1 }", []],
    ["PoolingND", ["steps"], "pooling_nd_param { pool: MAX kernel_size: 2 stride: 2 pad: 0 }", [5, 2, 2, 2, 2]],
    ["BAccuracy", ["x", "label"], "", [1, 2, 1, 1]],
    ["BdctToSpatial", ["x"], "bdct_to_spatial_param { quality: 75 }", [2, 1, 48, 48]],
    ["MinReLU", ["x"], "", [2, 8, 6, 6]],
    ["ReLURecover", ["x"], "", [2, 8, 6, 6]],
    [
      "DetectNetTransformation",
      ["x", "label"],
      "detectnet_groundtruth_param { stride: 16 image_size_x: 64 image_size_y: 32 object_class { src: 1 dst: 0 } }",
      [2, 8, 32, 64],
    ],
    ["Python", ["x", "y3"], 'python_param { module: "pylayers" layer: "CRFLayer" }', [2, 8, 6, 6]],
    ["NobodysLoss", ["x", "label"], "", []],
  ] as const) {
    it(`${type} has a shape all the same: ${param}`, async () => {
      const text = `${input("x", 2, 8, 6, 6)}${input("label", 2)}${input("rows", 2, 3, 4, 5)}${input("y3", 2, 3, 6, 7)}${input("steps", 5, 2, 3, 4, 4)}${input("cont", 5, 2)}${input("seq", 5, 2, 3)}${layer(type, bottoms, param)}`;
      const { layers, complete } = await inspectNet(loadNet(text).message, { phase: "TEST", baseDir: "." });
      expect(layers.at(-1)!.tops).to.deep.equal([{ name: "y", shape }]);
      expect(complete).to.equal(true);
    });
  }

  it("knows the shapes of layers of forks that it cannot run", async () => {
    const text = `layer { name: "x" type: "Input" top: "x" top: "p" input_param { shape { dim: [2, 8, 6, 6] } shape { dim: [2, 10] } } }
      layer { name: "b" type: "LocalWeightedConvolution" bottom: "x" top: "b" local_weighted_convolution_param { num_output: 4 kernel_size: 3 } }
      layer { name: "c" type: "Hotspot" bottom: "p" bottom: "x" top: "c" hotspot_param { gaussian_std: 1 data_height: 6 data_width: 6 } }
      layer { name: "d" type: "Topk" bottom: "x" top: "d" topk_param { k: 2 } }
      layer { name: "e" type: "RBMInnerProduct" bottom: "p" top: "e" top: "v" rbm_inner_product_param {
        connection_layer_param { type: "InnerProduct" inner_product_param { num_output: 7 } } } }
      layer { name: "f" type: "Python" bottom: "x" bottom: "x" top: "f"
        python_param { module: "caffe.layers.detectnet.clustering" layer: "ClusterDetections" } }
      layer { name: "g" type: "ConfusionMatrix" bottom: "x" bottom: "p" top: "g" }
      layer { name: "h" type: "SubRegion" bottom: "x" bottom: "p" bottom: "p" top: "h" top: "i" top: "j"
        sub_region_param { region_height: 4 region_width: 3 data_height: 6 data_width: 6 as_dim: 1 } }`;
    const net = await inspectNet(loadNet(text).message, { phase: "TEST", baseDir: "." });
    const shapes = net.layers.slice(1).flatMap(({ tops }) => tops.map(({ shape }) => shape?.join("x")));
    expect(shapes).to.deep.equal([
      "2x4x4x4",
      "2x5x6x6",
      "2x8x6x6",
      "2x7",
      "2x10",
      "2x50x5",
      "",
      "2x40x4x3",
      "2x10",
      "2x10",
    ]);
    expect([net.complete, net.notes.length]).to.deep.equal([true, 4]);
  });

  it("takes Python to keep the shape of its first bottom where nothing says another, and the rest of the net fits", async () => {
    const python = (name: string, bottom: string, more = "") =>
      `layer { name: "${name}" type: "Python" bottom: "${bottom}" top: "${name}" ${more} python_param { module: "m" layer: "Own" } }\n`;
    const text = `${input("x", 2, 3, 4, 5)}${python("p", "x")}
      layer { name: "r" type: "ReLU" bottom: "p" top: "r" }
      ${python("q", "r")}${python("loss", "r", "loss_weight: 1")}`;
    const net = await inspectNet(loadNet(text).message, { phase: "TEST", baseDir: "." });
    expect(net.layers.map(({ tops }) => tops.map(({ shape }) => shape?.join("x")))).to.deep.equal([
      ["2x3x4x5"],
      ["2x3x4x5"],
      ["2x3x4x5"],
      ["2x3x4x5"],
      [""],
    ]);
    expect([net.complete, net.notes]).to.deep.equal([
      true,
      [
        "tops of layers that netrun does not run are taken to keep the shapes of the bottoms, as most do: p [2, 3, 4, 5]",
        "tops of layers that netrun does not run are taken to keep the shapes of the bottoms, as most do: q [2, 3, 4, 5]",
        ...["p (line 2", "q (line 5", "loss (line 6"].map((each) => {
          const [name, line] = each.split(" (");
          return `layer "${name}": netrun runs no Python, and no plugin stands for layer "Own" of module "m" (${line})`;
        }),
      ],
    ]);
    const told = { phase: "TEST", baseDir: ".", shapes: new Map([["p", [7]]]) } as const;
    expect((await inspectNet(loadNet(text).message, told)).layers[1]!.tops[0]!.shape).to.deep.equal([7]);
    const sliced = `${text}layer { name: "s" type: "Slice" bottom: "q" top: "a" top: "b" slice_param { slice_point: 6 } }`;
    const misfit = await inspectNet(loadNet(sliced).message, { phase: "TEST", baseDir: "." });
    expect([misfit.complete, misfit.layers[3]!.tops[0]!.shape]).to.deep.equal([false, undefined]);
  });

  it("takes Python that is called an accuracy for figures, which a converted file leaves out with the labels they read", async () => {
    const text = `${input("x", 2, 3)}
      layer { name: "data" type: "Python" top: "label" python_param { module: "m" layer: "LabelsLayer" } }
      layer { name: "prob" type: "Softmax" bottom: "x" top: "prob" }
      layer { type: "Python" bottom: "prob" bottom: "label" top: "price" top: "name"
        python_param { module: "web_accuracy_layer" layer: "WebAccuracyLayer" } }`;
    const net = await inspectNet(loadNet(text).message, {
      phase: "TEST",
      baseDir: ".",
      shapes: new Map([["label", [2]]]),
    });
    expect([net.complete, net.layers.at(-1)!.tops.map(({ shape }) => shape)]).to.deep.equal([true, [[1], [1]]]);
    const { layers, targets } = inferenceNet(loadNet(text).message);
    expect([layers.map(({ name }) => name), [...targets]]).to.deep.equal([["x", "prob"], ["label"]]);
  });

  it("takes what is called an activation, a normalization or noise for one", async () => {
    const noted = async (type: string) => {
      const text = `${input("x", 2, 3, 4, 5)}layer { name: "l" type: "${type}" bottom: "x" top: "y" }`;
      return (await inspectNet(loadNet(text).message, { phase: "TEST", baseDir: "." })).notes;
    };
    const kept =
      "tops of layers that netrun does not run are taken to keep the shapes of the bottoms, as most do: y [2, 3, 4, 5]";
    for (const type of ["NobodysReLU", "NobodysNorm", "NobodysNormalization", "NobodysNoise", "NobodysDropout"])
      expect(await noted(type)).to.deep.equal([kept, `layer "l": unknown layer type "${type}" (line 2)`]);
    expect(await noted("NobodysLayer")).not.to.include(kept);
  });

  it("follows DetectNet's boxes through its maps, lists and scores", async () => {
    const detectnet = (type: string, module: string, bottoms: string, tops: string) =>
      `layer { name: "${type}" type: "Python" ${bottoms} ${tops} python_param { module: "caffe.layers.detectnet.${module}" layer: "${type}" } }`;
    const text = `${input("x", 2, 3, 40, 70)}${input("boxes", 2, 1, 9, 16)}
      layer { name: "t" type: "DetectNetTransformation" bottom: "x" bottom: "boxes" top: "images" top: "maps"
        detectnet_groundtruth_param { stride: 8 image_size_x: 64 image_size_y: 32 object_class { dst: 0 } object_class { dst: 2 } } }
      ${detectnet("ClusterGroundtruth", "clustering", 'bottom: "maps" bottom: "maps"', 'top: "truth"')}
      ${detectnet("ScoreDetections", "mean_ap", 'bottom: "truth" bottom: "truth"', 'top: "scored"')}
      ${detectnet("mAP", "mean_ap", 'bottom: "scored"', 'top: "map" top: "precision"')}`;
    const { layers, complete } = await inspectNet(loadNet(text).message, { phase: "TEST", baseDir: "." });
    const shapes = layers.slice(2).flatMap(({ tops }) => tops.map(({ shape }) => shape?.join("x")));
    expect(shapes).to.deep.equal(["2x3x32x64", "2x11x4x8", "2x50x5", "2x50x5", "1", "1"]);
    expect(complete).to.equal(true);
  });

  it("clips of video-caffe have an axis for length, those of TSN more channels", async () => {
    const text = (param: string) =>
      `layer { name: "d" type: "VideoData" top: "data" top: "label" transform_param { crop_size: 7 } video_data_param { batch_size: 2 new_length: 5 ${param} } }`;
    const shapeOf = async (param: string) => {
      const { layers } = await inspectNet(loadNet(text(param)).message, { phase: "TEST", baseDir: "." });
      return layers[0]!.tops[0]!.shape;
    };
    expect(await shapeOf("")).to.deep.equal([2, 3, 5, 7, 7]);
    expect(await shapeOf("num_segments: 3 modality: FLOW")).to.deep.equal([2, 30, 7, 7]);
  });
});
