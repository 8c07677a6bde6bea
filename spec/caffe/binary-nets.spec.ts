import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { contentOf } from "../../lib/caffe/content.js";
import { refusedFork } from "../../lib/caffe/forks/index.js";
import { loadNet } from "../../lib/caffe/load.js";
import { decodeMean } from "../../lib/caffe/mean.js";
import { create, encode } from "../../lib/caffe/message.js";
import { PoolingParameter_RoundMode as RoundMode } from "../../lib/caffe/messages.js";
import { decodeWeights, readWeights } from "../../lib/caffe/weights.js";
import type { NetrunError } from "../../lib/error.js";
import { inspectNet } from "../../lib/inspect/index.js";
import { printText } from "../../lib/text/print.js";

const folder = mkdtempSync(join(tmpdir(), "netrun-binary-"));
after(() => rmSync(folder, { recursive: true }));

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
const message = (field: number, bytes: Uint8Array | readonly number[]): number[] => [
  ...varint(field * 8 + 2),
  ...varint(bytes.length),
  ...bytes,
];

/** A binary net of one layer (V1's with `field` 2) with more bytes behind its own, as a fork would write them. */
function binary(name: string, layer: Uint8Array, more: readonly number[] = [], field = 100): string {
  const path = join(folder, name);
  const input = encode(create("NetParameter", { input: ["x"], input_dim: [1, 2, 4, 4] }));
  writeFileSync(path, Uint8Array.from([...input, ...message(field, [...layer, ...more])]));
  return path;
}

const blob = create("BlobProto", { shape: { dim: [2] }, data: [3, 4] });
const layer = (fields: object) => encode(create("LayerParameter", { name: "l", bottom: ["x"], top: ["y"], ...fields }));
const said = (path: string) => {
  const { message: net } = loadNet(path, { onWarning: () => {} });
  return net.layer
    .map((each) => refusedFork(each, `layer "${each.name}": `)?.format())
    .find((text) => text !== undefined);
};

describe("binary nets of forks", () => {
  const normalize = () => binary("ssd.caffemodel", layer({ type: "Normalize", blobs: [blob] }), message(206, [8, 0]));

  it("are refused where they run for a number that Caffe does not have: each fork means another thing by it", () => {
    expect(said(normalize())).to.match(
      /^layer "l": field 206 of this binary net means another thing in each fork of Caffe\n[\s\S]*give the net as a prototxt/,
    );
  });

  it("are refused for such numbers within parameters, and in V1 layers", () => {
    const convolution = [...message(106, [8, 2, 32, 3, ...varint(51 * 8), 1])];
    expect(said(binary("width.caffemodel", layer({ type: "Convolution" }), convolution))).to.contain(
      "field convolution_param.51 of this binary net",
    );
    const v1 = encode(create("V1LayerParameter", { name: "l", bottom: ["x"], top: ["y"] }));
    const more = (type: number, ...rest: readonly number[]) =>
      said(binary(`v1-${type}.caffemodel`, v1, [...varint(5 * 8), type, ...rest], 2));
    expect(more(14, ...message(138, [8, 0]))).to.contain("field layers.138 of this binary net");
  });

  it("are refused for numbers that forks have otherwise than Caffe", () => {
    const pooling = { kernel_size: 2, round_mode: RoundMode.FLOOR };
    expect(said(binary("pool.caffemodel", layer({ type: "Pooling", pooling_param: pooling })))).to.contain(
      "field pooling_param.13 of this binary net",
    );
    // caffe-windows has bn_param where Caffe has batch_norm_param.
    expect(said(binary("bn.caffemodel", layer({ type: "BN", batch_norm_param: { eps: 1 } })))).to.contain("field 139");
    expect(
      said(binary("loss.caffemodel", layer({ type: "SoftmaxWithLoss", loss_param: { normalization: 3 } }))),
    ).to.contain("field loss_param.3");
  });

  it("are read where Caffe has another message of the number, with fields that it requires", () => {
    // Intel's SmoothL1Loss: sigma is where Clip has min, whose max is missing.
    const sigma = message(148, [13, 0, 0, 128, 63]);
    expect(said(binary("l1.caffemodel", layer({ type: "SmoothL1Loss" }), sigma))).to.contain(
      "field 148 of this binary",
    );
    expect(said(binary("clip.caffemodel", layer({ type: "Clip" }), sigma))).to.equal(undefined);
  });

  for (const [what, type, bytes, field] of [
    ["LRCN's LSTM", "LSTM", message(134, [8, 5]), "134"],
    ["LRCN's Embed", "Embed", message(132, [8, 5]), "132"],
    ["SegNet's Upsample", "Upsample", message(137, [8, 2]), "137"],
    [
      "caffe-action's dilation, Caffe's axis",
      "Convolution",
      message(106, [8, 2, 32, 3, 128, 1, 2]),
      "convolution_param.16",
    ],
    [
      "PSPNet's hole, Caffe's force_nd_im2col",
      "Convolution",
      message(106, [8, 2, 32, 3, 136, 1, 2]),
      "convolution_param.17",
    ],
    ["Intel's pooling of 3 and stride 2", "Pooling", message(121, [24, 3, 32, 2]), "pooling_param.2"],
    ["Intel's pooling of 3, stride 1, pad 1", "Pooling", message(121, [16, 1, 24, 3, 32, 1]), "pooling_param.2"],
    ["Intel's pooling of 5, stride 1, pad 2", "Pooling", message(121, [16, 2, 24, 5, 32, 1]), "pooling_param.2"],
  ] as const)
    it(`are refused for ${what}`, () => {
      const path = binary(`${field}.caffemodel`, layer({ type }), bytes);
      expect(said(path)).to.contain(`field ${field} of this binary net`);
    });

  it("are read where a convolution's axis, or dilation, is 1", () => {
    const path = binary("axis.caffemodel", layer({ type: "Convolution" }), message(106, [8, 2, 32, 3, 128, 1, 1]));
    expect(said(path)).to.equal(undefined);
  });

  it("are refused for V1 parameters of another type than the layer's", () => {
    const v1 = encode(create("V1LayerParameter", { name: "l", bottom: ["x"], top: ["y"] }));
    const said40 = (type: number) =>
      said(binary(`p${type}.caffemodel`, v1, [40, type, ...message(40, [13, 0, 0, 128, 63])], 2));
    expect(said40(36)).to.contain("field layers.40 of this binary net");
    expect(said40(37)).to.equal(undefined);
  });

  it("name the V1 types that forks have at a number", () => {
    const v1 = encode(create("V1LayerParameter", { name: "l", bottom: ["x"], top: ["y"] }));
    const typed = (type: number) => binary(`type${type}.caffemodel`, v1, [40, type], 2);
    const typeIn = (path: string) => loadNet(path, { onWarning: () => {} }).message.layer[1]!.type;
    expect(said(typed(45))).to.match(
      /^layer "l": V1 layer type 45 of this binary net means another thing[^\n]*\nnote: it may be TRIPLET_LOSS \(caffe-windows\)\n/,
    );
    expect(said(typed(40))).to.contain("CROP (FCN) or UPSAMPLE (SSD) or REVERSE (OCR forks) or DOWN_SAMPLING (C3D)");
    expect([45, 40, 99].map((type) => typeIn(typed(type)))).to.deep.equal(["TripletLoss", "Type40", "Type99"]);
  });

  it("have DeepLab's lists of images at Deconvolution's number", () => {
    const v1 = encode(create("V1LayerParameter", { name: "l", top: ["y"], image_data_param: { source: "list.txt" } }));
    const { message: net } = loadNet(binary("seg.caffemodel", v1, [40, 39], 2), { onWarning: () => {} });
    expect(net.layer[1]!.type).to.equal("ImageSegData");
  });

  it("name the fields that forks have at a number", () => {
    expect(said(binary("n206.caffemodel", layer({ type: "Normalize" }), message(206, [8, 0])))).to.contain(
      "note: it may be sub_region_param (caffe-windows) or norm_param (SSD, MobileNet-YOLO, Intel)\n",
    );
    const pooling = { type: "Pooling", pooling_param: { kernel_size: 2, round_mode: RoundMode.FLOOR } };
    expect(said(binary("n13.caffemodel", layer(pooling)))).to.contain("ceil_mode (PSPNet, caffe-windows)");
  });

  it("run if they have only Caffe's own fields", () => {
    const lstm = { type: "LSTM", recurrent_param: { num_output: 3 } };
    expect(said(binary("lstm.caffemodel", layer(lstm)))).to.equal(undefined);
    const pooling = { type: "Pooling", pooling_param: { kernel_size: 3, stride: 2, pad: 1 } };
    expect(said(binary("padded.caffemodel", layer(pooling)))).to.equal(undefined);
    const param = { batch_norm_param: { eps: 1 } };
    expect(said(binary("caffe.caffemodel", layer({ type: "BatchNorm", ...param })))).to.equal(undefined);
    expect(said(binary("plain.caffemodel", layer({ type: "Pooling", pooling_param: { kernel_size: 2 } })))).to.equal(
      undefined,
    );
  });

  it("are shown, and their weights read, all the same", async () => {
    const path = normalize();
    const net = await inspectNet(loadNet(path, { onWarning: () => {} }).message, { phase: "TEST", baseDir: "." });
    expect(net.notes.join()).to.contain("field 206 of this binary net");
    expect([...(await readWeights(path)).get("l")![0]!.data]).to.deep.equal([3, 4]);
    expect(printText(loadNet(path, { onWarning: () => {} }).message)).to.contain("# field 206 of a binary file");
  });
});

describe("weights of Intel's and NVIDIA's BatchNorm", () => {
  it("have five blobs, which scale_bias reads, as the error for three says", async () => {
    const of = (...data: number[]) => create("BlobProto", { shape: { dim: [data.length] }, data });
    const blobs = [of(2, 4), of(1, 1), of(1), of(3, 3), of(10, 20)];
    const weights = binary("bn5.caffemodel", layer({ type: "BatchNorm", blobs }));
    const text = (param: string) =>
      `input: "x" input_shape { dim: 1 dim: 2 } layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" batch_norm_param { eps: 0 ${param} } }`;
    const said = await Net.load(text(""), { weights }).catch((error: NetrunError) => error.format());
    expect(said).to.match(/has 3 parameter blobs in the net and 5 in the file\nnote: [^\n]*scale_bias: true/);
    await using net = await Net.load(text("scale_bias: true"), { weights });
    const { y } = await net.forward({ x: { shape: [1, 2], data: Float32Array.of(3, 5) } });
    expect([...y!.data]).to.deep.equal([13, 23]);
  });
});

describe("binary files of C3D's first version", () => {
  const floats = (count: number) => [...new Uint8Array(Float32Array.from({ length: count }, (_, i) => i + 1).buffer)];
  /** A blob with five dims in fields 1 to 5, values in 6. */
  const blobOf = (dims: readonly number[]) => [
    ...dims.flatMap((dim, i) => [8 * (i + 1), ...varint(dim)]),
    ...message(6, floats(dims.reduce((product, dim) => product * dim, 1))),
  ];
  /** num_output, pad, kernel_size, kernel_depth, stride, temporal_stride, weight_filler. */
  const convolution = [8, 2, 24, 1, 32, 3, 48, 3, 56, 2, 64, 1, ...message(9, message(1, [...Buffer.from("xavier")]))];
  const layers = (convolved: readonly number[]) => [
    ...message(2, [
      ...message(4, [...Buffer.from("conv")]),
      40,
      30,
      ...message(2, [...Buffer.from("x")]),
      ...message(3, [...Buffer.from("y")]),
      ...message(6, blobOf([2, 1, 3, 3, 3])),
      ...message(6, blobOf([1, 1, 1, 1, 2])),
      ...message(10, convolved),
    ]),
    ...message(2, [
      ...message(4, [...Buffer.from("pool")]),
      40,
      31,
      ...message(2, [...Buffer.from("y")]),
      ...message(3, [...Buffer.from("z")]),
      ...message(19, [16, 2, 40, 2]),
    ]),
  ];
  const net = (name: string, convolved: readonly number[] = convolution) => {
    const path = join(folder, name);
    writeFileSync(path, Uint8Array.from(layers(convolved)));
    return path;
  };

  it("have five dims in a blob, whose values are in other fields than Caffe's", async () => {
    const [weights, bias] = (await readWeights(net("c3d.caffemodel"))).get("conv")!;
    expect([weights!.shape, weights!.data.length, weights!.data[53]]).to.deep.equal([[2, 1, 3, 3, 3], 54, 54]);
    expect(bias).to.deep.equal({ shape: [1, 1, 1, 2], data: Float32Array.of(1, 2), legacy: true });
  });

  it("have numbers of types and fields that mean others in Caffe", () => {
    const { message: read } = loadNet(net("types.caffemodel"), { onWarning: () => {} });
    expect(read.layer.map(({ type }) => type)).to.deep.equal(["Convolution3D", "Pooling3D"]);
    expect(read.layer.map((each) => refusedFork(each, ""))).to.deep.equal([undefined, undefined]);
    expect(printText(read)).to.match(
      /convolution_param \{\n\s+num_output: 2\n\s+pad: 1\n\s+kernel_size: 3\n\s+stride: 2\n\s+weight_filler \{\n\s+type: "xavier"\n\s+\}\n\s+kernel_depth: 3\n\s+temporal_stride: 1/,
    );
    expect(printText(read)).to.match(/pooling_param \{\n\s+kernel_size: 2\n\s+kernel_depth: 2\n/);
    const [conv] = decodeWeights(Uint8Array.from(layers(convolution))).layers;
    expect(conv!.type).to.equal("Convolution3D");
  });

  it("are damaged where a filler is none, and have no stride where a field of another kind has its number", () => {
    const read = (name: string, more: readonly number[]) =>
      loadNet(net(name, [8, 2, 32, 3, ...more]), { onWarning: () => {} }).message;
    expect(() => read("filler.caffemodel", message(9, [10, 50, 1]))).to.throw("not a complete binary FillerParameter");
    const [conv] = read("stride.caffemodel", [61, 1, 2, 3, 4]).layer;
    expect(conv!.convolution_param!.stride).to.deep.equal([]);
    expect(refusedFork(conv!, "")?.format()).to.contain("field layers.convolution_param.7");
  });

  it("fill a net from a prototxt", async () => {
    const text = `input: "x" input_shape { dim: 1 dim: 1 dim: 3 dim: 3 dim: 3 }
      layers { name: "conv" type: CONVOLUTION3D bottom: "x" top: "y"
        convolution_param { num_output: 2 kernel_size: 3 kernel_depth: 3 } }`;
    await using filled = await Net.load(text, { weights: net("fill.caffemodel") });
    const x = { shape: [1, 1, 3, 3, 3], data: new Float32Array(27).fill(1) };
    // The sums of 1..27 and of 28..54, and the biases 1 and 2.
    expect([...(await filled.forward({ x }))["y"]!.data]).to.deep.equal([379, 1109]);
  });

  it("may be means of five dims", () => {
    const bytes = Uint8Array.from(blobOf([1, 3, 2, 2, 2]));
    expect(contentOf(bytes)).to.equal("mean");
    expect(decodeMean(bytes, "mean.binaryproto").shape).to.deep.equal([3, 2, 2, 2]);
  });
});
