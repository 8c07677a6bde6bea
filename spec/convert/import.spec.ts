import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { decodeWeights, readWeights, weightsOf } from "../../lib/caffe/weights.js";
import { convert, importWeights } from "../../lib/convert/index.js";
import { NetrunError } from "../../lib/error.js";
import { halfOf, halfValue } from "../../lib/graph/index.js";
import { openModelFile } from "../../lib/onnx/file.js";
import { ModelProto } from "../../lib/onnx/schema.js";
import { freshFolder } from "../support/folder.js";
import { inputLayer } from "../support/net.js";
import { describeShared, sharedPath } from "../support/shared.js";

const net = (bias: boolean) => `input: "data" input_shape { dim: 1 dim: 3 dim: 6 dim: 6 }
  layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" convolution_param { num_output: 4 kernel_size: 3
    bias_term: ${bias} weight_filler { type: "xavier" } bias_filler { type: "uniform" min: -1 max: 1 } } }
  layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "conv1" }
  layer { name: "scale1" type: "Scale" bottom: "conv1" top: "conv1" scale_param { bias_term: true
    filler { type: "uniform" min: 0.5 max: 2 } bias_filler { type: "uniform" min: -1 max: 1 } } }
  layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
  layer { name: "bn2" type: "BatchNorm" bottom: "conv1" top: "bn2" }
  layer { name: "scale2" type: "Scale" bottom: "bn2" top: "bn2" scale_param { bias_term: true filler { type: "uniform" min: 0.5 max: 2 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "bn2" top: "ip" inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }`;

const statistics = new Map(
  ["bn1", "bn2"].map((layer, k) => [
    layer,
    [
      { shape: [4], data: Float32Array.of(1, -2, 0.5, k) },
      { shape: [4], data: Float32Array.of(2, 3, 0.25, 1 + k) },
      { shape: [1], data: Float32Array.of(2) },
    ],
  ]),
);

describe("importWeights", () => {
  const folder = freshFolder();
  for (const bias of [true, false]) {
    it(`gives weights that convert to the same model again (convolution ${bias ? "with" : "without"} bias)`, async () => {
      const { model } = await convert(net(bias), [statistics], { allowMissing: true });
      const weights = weightsOf(decodeWeights(importWeights(model, net(bias))));
      const again = await convert(net(bias), [weights]);
      await using first = await openModelFile(model);
      await using second = await openModelFile(again.model);
      const data = { shape: [2, 3, 6, 6], data: Float32Array.from({ length: 216 }, (_, i) => Math.sin(i)) };
      const third = weightsOf(decodeWeights(importWeights(again.model, net(bias))));
      expect(third.get("scale1")).to.deep.equal(weights.get("scale1"));
      expect((await second.run({ data })).ip).to.deep.equal((await first.run({ data })).ip);
    });
  }

  const CONV = `input: "data" input_shape { dim: 1 dim: 3 dim: 6 dim: 6 }
    layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 3
      weight_filler { type: "xavier" } bias_filler { type: "uniform" min: -1 max: 1 } } }`;
  const uniform = 'filler { type: "uniform" min: 0.5 max: 2 }';
  const blobs = (scale: string, shift: string) => `${scale}_${uniform} ${shift}_${uniform}`;
  const NETS: Readonly<Record<string, string>> = {
    "a Power layer, which stays, after a convolution": `${CONV}
      layer { name: "p" type: "Power" bottom: "c" top: "p" power_param { scale: 2 shift: 3 } }`,
    "a Scale whose bias is all zeros": `input: "data" input_shape { dim: 1 dim: 3 dim: 6 dim: 6 }
      layer { name: "s" type: "Scale" bottom: "data" top: "s" scale_param { bias_term: true ${uniform} } }`,
    "SegNet's BN in a convolution": `${CONV} layer { name: "b" type: "BN" bottom: "c" top: "b" bn_param {
      bn_mode: INFERENCE ${blobs("scale", "shift")} } }`,
    "PSPNet's BN in a convolution": `${CONV} layer { name: "b" type: "BN" bottom: "c" top: "b" bn_param {
      ${blobs("slope", "bias")} } }`,
    "PSPNet's BN with a Scale after what is no convolution": `${CONV} layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
      layer { name: "b" type: "BN" bottom: "c" top: "b" bn_param { ${blobs("slope", "bias")} } }
      layer { name: "s" type: "Scale" bottom: "b" top: "s" scale_param { bias_term: true ${uniform} } }`,
    "two convolutions with the same weights and a Scale each": ["a", "b"]
      .map(
        (
          name,
        ) => `layer { name: "${name}" type: "Convolution" bottom: "data" top: "${name}" param { name: "w" } param { name: "v" }
          convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
          layer { name: "s${name}" type: "Scale" bottom: "${name}" top: "${name}" scale_param { ${uniform} } }`,
      )
      .reduce((whole, part) => whole + part, 'input: "data" input_shape { dim: 1 dim: 3 dim: 6 dim: 6 } '),
  };
  for (const [name, text] of Object.entries(NETS)) {
    it(`gives a net that computes what the model does: ${name}`, async () => {
      const { model } = await convert(text, [], { allowMissing: true });
      const { model: again, report } = await convert(text, [weightsOf(decodeWeights(importWeights(model, text)))]);
      const [first, second] = [await openModelFile(model), await openModelFile(again)];
      const data = { shape: [2, 3, 6, 6], data: Float32Array.from({ length: 216 }, (_, i) => Math.sin(i)) };
      const [expected, actual] = [await first.run({ data }), await second.run({ data })];
      for (const output of Object.keys(report.outputs)) expect(actual[output]).to.deep.equal(expected[output]);
      await first[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
    });
  }

  it("reads weights from the file beside the model, and says what it needs where it cannot", async () => {
    const { model, externalData } = await convert(net(true), [statistics], {
      allowMissing: true,
      externalData: "w.bin",
    });
    const whole = await convert(net(true), [statistics], { allowMissing: true });
    const [path, weights] = [join(folder(), "m.onnx"), join(folder(), "w.bin")];
    writeFileSync(path, model);
    writeFileSync(weights, Buffer.concat([...externalData!.parts]));
    expect(Buffer.from(importWeights(path, net(true)))).to.deep.equal(
      Buffer.from(importWeights(whole.model, net(true))),
    );
    expect(() => importWeights(model, net(true))).to.throw(
      NetrunError,
      'the weights are in a file "w.bin" beside the model',
    );
    truncateSync(weights, 1000);
    expect(() => importWeights(path, net(true))).to.throw(NetrunError, "ends before the model's tensor");
    rmSync(weights);
    expect(() => importWeights(path, net(true))).to.throw(NetrunError, "which cannot be read");
  });

  it("knows weights by the nodes that take them, where another tool has renamed them", async () => {
    const text = `${CONV} layer { name: "a" type: "PReLU" bottom: "c" top: "a" }
      layer { name: "ip" type: "InnerProduct" bottom: "a" top: "ip" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }`;
    const { model } = await convert(text, [], { allowMissing: true });
    const message = ModelProto.decode(model) as unknown as {
      graph: { initializer: { name: string }[]; node: { input: string[] }[] };
    };
    const rename = new Map(message.graph.initializer.map(({ name }, i) => [name, `onnx::W_${i}`]));
    for (const tensor of message.graph.initializer) tensor.name = rename.get(tensor.name)!;
    for (const node of message.graph.node) node.input = node.input.map((name) => rename.get(name) ?? name);
    const renamed = ModelProto.encode(message as never).finish();
    expect(Buffer.from(importWeights(renamed, text))).to.deep.equal(Buffer.from(importWeights(model, text)));
  });

  it("takes shapes that only the data says from the model", async () => {
    const text = net(true).replace(/input: .*\n/, `layer { name: "data" type: "Data" top: "data" }\n`);
    const { model } = await convert(text, [statistics], { allowMissing: true, shapes: { data: [1, 3, 6, 6] } });
    expect([...weightsOf(decodeWeights(importWeights(model, text))).keys()]).to.include("ip");
  });

  it("gives half-precision slopes of PReLU layers", async () => {
    const text = `${CONV} layer { name: "a" type: "PReLU" bottom: "c" top: "a" }`;
    const { model } = await convert(text, [], { allowMissing: true, fp16: true });
    const { data } = weightsOf(decodeWeights(importWeights(model, text))).get("a")![0]!;
    expect([...data]).to.deep.equal([0.25, 0.25, 0.25, 0.25]);
  });

  it("lists the blobs that a model does not have", async () => {
    const { model } = await convert(net(true), [statistics], { allowMissing: true });
    const other = net(true).replaceAll('"ip"', '"fc"');
    expect(() => importWeights(model, other)).to.throw(NetrunError, "2 blobs of the net are not in the model");
  });

  it("refuses what is no ONNX model", () => {
    const bytes = [
      [Uint8Array.of(0, 0xff, 0xff), "not an ONNX model"],
      [Buffer.from("layer {}"), "is a text, where an ONNX model is expected"],
      [new Uint8Array(0), "is empty, where an ONNX model is expected"],
    ] as const;
    for (const [model, message] of bytes) expect(() => importWeights(model, net(true))).to.throw(NetrunError, message);
  });
});

describeShared("importWeights, of published weights", () => {
  it("returns exactly the converted weights", async () => {
    const [path, file] = [
      sharedPath("zoo", "prototxt", "bvlc", "examples+mnist+lenet.prototxt"),
      sharedPath("zoo", "models", "lenet_iter_10000.caffemodel"),
    ];
    const { model } = await convert(path, file);
    const [before, after] = [await readWeights(file), weightsOf(decodeWeights(importWeights(model, path)))];
    for (const [layer, blobs] of after)
      blobs.forEach(({ data }, i) => {
        expect(data, `${layer}/${i}`).to.deep.equal(before.get(layer)![i]!.data);
      });
    expect([...after.keys()]).to.deep.equal(["conv1", "conv2", "ip1", "ip2"]);
  });
});

describe("half precision", () => {
  it("rounds to nearest, ties to even, down to the smallest numbers", () => {
    const cases = [
      [1, 0x3c00],
      [-2, 0xc000],
      [65504, 0x7bff],
      [65520, 0x7c00],
      [2 ** -14, 0x0400],
      [2 ** -24, 1],
      [2 ** -25, 0],
      [1.5 * 2 ** -24, 2],
      [1 + 2 ** -11, 0x3c00],
      [1 + 3 * 2 ** -11, 0x3c02],
      [0, 0],
      [Number.POSITIVE_INFINITY, 0x7c00],
    ] as const;
    for (const [value, bits] of cases) expect(halfOf(value), String(value)).to.equal(bits);
    for (let bits = 0; bits < 0x7c00; bits++) expect(halfOf(halfValue(bits))).to.equal(bits);
  });

  it("converts weights and computation, with float32 inputs and outputs", async () => {
    const { model, report } = await convert(net(true), [statistics], { allowMissing: true, fp16: true });
    const full = await convert(net(true), [statistics], { allowMissing: true });
    expect(report.verification!.every(({ within }) => within)).to.equal(true);
    expect(report.verification![0]!.absolute).to.be.greaterThan(0);
    expect(report.inputs).to.deep.equal(full.report.inputs);
    expect(model.length).to.be.lessThan(full.model.length);
  });

  it("does not change coordinates of boxes, and names nodes like layers", async () => {
    const text = `${inputLayer("x", 1, 1, 1, 160)} ${inputLayer("rois", 1, 5)}
      layer { name: "twice" type: "Power" bottom: "x" top: "twice" power_param { scale: 2 } }
      layer { name: "roi" type: "ROIPooling" bottom: "twice" bottom: "rois" top: "roi" roi_pooling_param { pooled_h: 1 pooled_w: 1 } }
      layer { name: "ps" type: "PSROIPooling" bottom: "twice" bottom: "rois" top: "ps" psroi_pooling_param { spatial_scale: 0.0625 output_dim: 1 group_size: 1 } }
      layer { name: "half" type: "Slice" bottom: "rois" top: "item" top: "corners" slice_param { axis: 1 slice_point: 1 } }`;
    // In half precision 1007.499 is 1007.5, which rounds up, and into the next column.
    const rois = { shape: [1, 5], data: Float32Array.of(0, 0, 0, 1007.499, 0) };
    const x = { shape: [1, 1, 1, 160], data: Float32Array.from({ length: 160 }, (_, i) => i) };
    const { model, report } = await convert(text, [], { fp16: true, verify: [{ x, rois }] });
    const differences = new Map(report.verification!.map(({ output, absolute }) => [output, absolute]));
    expect([differences.get("ps"), differences.get("roi"), differences.get("corners")! > 0]).to.deep.equal([
      0,
      0,
      true,
    ]);
    const { graph } = ModelProto.decode(model) as unknown as { graph: { node: readonly { name: string }[] } };
    expect(graph.node.map(({ name }) => name)).to.include.members(["twice", "roi"]);
  });
});
