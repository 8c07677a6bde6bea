import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import protobuf from "protobufjs";
import { writeHdf5Weights } from "../../lib/caffe/hdf5.js";
import { convert } from "../../lib/convert/index.js";
import { halfOf } from "../../lib/graph/index.js";
import { ModelProto } from "../../lib/onnx/schema.js";
import { cli } from "../support/cli.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }
  layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 2 kernel_size: 1
    bias_filler { type: "constant" value: 7 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 1 bias_term: false } }`;
/** Numbers that half precision has too. */
const CONV = [
  [0.5, -1.25, 3, 0.0625],
  [1, -2],
] as const;
const IP = Array.from({ length: 32 }, (_, i) => i / 4 - 3);
const SHAPES = { conv: [[2, 2, 1, 1], [2]], ip: [[1, 32]] } as const;

type Encode = (values: readonly number[], shape: readonly number[]) => Uint8Array;
const field = (id: number, wire: number) => (id << 3) | wire;
const bytesOf = (array: { readonly buffer: ArrayBufferLike }) => new Uint8Array(array.buffer);

const shaped = (shape: readonly number[]) => {
  const dims = protobuf.Writer.create().uint32(field(1, 2)).fork();
  for (const dim of shape) dims.int64(dim);
  return protobuf.Writer.create().uint32(field(7, 2)).bytes(dims.ldelim().finish()).finish();
};

/** BlobProtos by the ways in which programs have written them. */
const BLOBS: Readonly<Record<string, Encode>> = {
  "packed float32": (values, shape) =>
    Buffer.concat([
      shaped(shape),
      protobuf.Writer.create()
        .uint32(field(5, 2))
        .bytes(bytesOf(Float32Array.from(values)))
        .finish(),
    ]),
  "unpacked float32": (values, shape) => {
    const writer = protobuf.Writer.create();
    for (const value of values) writer.uint32(field(5, 5)).float(value);
    return Buffer.concat([shaped(shape), writer.finish()]);
  },
  "packed double": (values, shape) =>
    Buffer.concat([
      shaped(shape),
      protobuf.Writer.create()
        .uint32(field(8, 2))
        .bytes(bytesOf(Float64Array.from(values)))
        .finish(),
    ]),
  "unpacked double": (values, shape) => {
    const writer = protobuf.Writer.create();
    for (const value of values) writer.uint32(field(8, 1)).double(value);
    return Buffer.concat([shaped(shape), writer.finish()]);
  },
  "NVIDIA's half precision": (values, shape) => {
    const raw = bytesOf(Uint16Array.from(values, halfOf));
    return Buffer.concat([
      shaped(shape),
      protobuf.Writer.create().uint32(field(10, 0)).int32(2).uint32(field(12, 2)).bytes(raw).finish(),
    ]);
  },
  "four legacy dims": (values, shape) => {
    const writer = protobuf.Writer.create();
    const dims = [...Array(4 - shape.length).fill(1), ...shape] as number[];
    for (const [i, dim] of dims.entries()) writer.uint32(field(i + 1, 0)).int32(dim);
    return writer
      .uint32(field(5, 2))
      .bytes(bytesOf(Float32Array.from(values)))
      .finish();
  },
};

/** The bytes of a NetParameter with the weights of some layers: today's layers, or V1's with their type numbers. */
function caffemodel(
  blob: Encode,
  version: "layer" | "layers",
  names: readonly ("conv" | "ip")[] = ["conv", "ip"],
): Uint8Array {
  const net = protobuf.Writer.create();
  const ids = version === "layer" ? { layers: 100, name: 1, blobs: 7 } : { layers: 2, name: 4, blobs: 6 };
  for (const name of names) {
    const layer = protobuf.Writer.create().uint32(field(ids.name, 2)).string(name);
    if (version === "layer") layer.uint32(field(2, 2)).string(name === "conv" ? "Convolution" : "InnerProduct");
    else layer.uint32(field(5, 0)).int32(name === "conv" ? 4 : 14);
    const blobs = name === "conv" ? CONV : [IP];
    for (const [i, values] of blobs.entries()) layer.uint32(field(ids.blobs, 2)).bytes(blob(values, SHAPES[name][i]!));
    net.uint32(field(ids.layers, 2)).bytes(layer.finish());
  }
  return net.finish();
}

interface RawModel {
  readonly graph: { readonly initializer: readonly { readonly name: string; readonly raw_data: Uint8Array }[] };
}
/** The converted weights by name. */
const weightsOf = (model: Uint8Array) =>
  Object.fromEntries(
    (ModelProto.decode(model) as unknown as RawModel).graph.initializer
      .filter(({ name }) => /^(conv|ip)\/\d$/.test(name))
      .map(({ name, raw_data }) => [name, [...new Float32Array(Uint8Array.from(raw_data).buffer)]]),
  );
const expected = { "conv/0": [...CONV[0]], "conv/1": [...CONV[1]], "ip/0": IP };

describe("convert, of weights in all their forms", () => {
  const folder = freshFolder();
  const file = (name: string, bytes: Uint8Array) => {
    const path = join(folder(), name);
    writeFileSync(path, bytes);
    return path;
  };

  for (const [form, blob] of Object.entries(BLOBS)) {
    for (const version of ["layer", "layers"] as const) {
      it(`${form}, in ${version === "layer" ? "today's" : "V1"} layers`, async () => {
        const { model, report } = await convert(NET, file("net.caffemodel", caffemodel(blob, version)));
        expect(weightsOf(model)).to.deep.equal(expected);
        expect([report.missing, report.extra]).to.deep.equal([[], []]);
      });
    }
  }

  it("HDF5", async () => {
    const path = join(folder(), "net.caffemodel.h5");
    const blobs = (name: "conv" | "ip", values: readonly (readonly number[])[]) =>
      values.map((data, i) => ({ shape: SHAPES[name][i]!, data: Float32Array.from(data) }));
    await writeHdf5Weights(
      path,
      new Map([
        ["conv", blobs("conv", CONV)],
        ["ip", blobs("ip", [IP])],
      ]),
    );
    expect(weightsOf((await convert(NET, path)).model)).to.deep.equal(expected);
  });

  it("several files, of which a later one goes before", async () => {
    const plain = BLOBS["packed float32"]!;
    const twice: Encode = (values, shape) =>
      plain(
        values.map((value) => 2 * value),
        shape,
      );
    const first = file("first.caffemodel", caffemodel(plain, "layer"));
    const second = file("second.caffemodel", caffemodel(twice, "layers", ["ip"]));
    const { model } = await convert(NET, [first, second]);
    expect(weightsOf(model)).to.deep.equal({ ...expected, "ip/0": IP.map((value) => 2 * value) });
    const [net, out] = [file("net.prototxt", Buffer.from(NET)), join(folder(), "net.onnx")];
    expect((await cli("convert", net, first, second, "-o", out)).status).to.equal(0);
  });

  it("lists layers that are missing, extra or misshapen, and fills them where that is allowed", async () => {
    const plain = BLOBS["packed float32"]!;
    const path = file(
      "net.caffemodel",
      caffemodel((values, shape) => plain(values, shape.length === 4 ? [1, 4, 1, 1] : shape), "layer"),
    );
    const other = NET.replaceAll('"ip"', '"fc"');
    await failure(
      convert(other, path),
      `2 layers of the net do not get their weights
note: layer "fc" has no weights
note: blob 0 of layer "conv" is [1,4,1,1], the net has [2,2,1,1]
note: layers that only the file has: ip
note: --allow-missing fills missing and misshapen layers by their fillers`,
    );
    const { model, report } = await convert(other, path, { allowMissing: true });
    expect(report.missing).to.deep.equal(["fc"]);
    expect(report.misshapen).to.deep.equal(['blob 0 of layer "conv" is [1,4,1,1], the net has [2,2,1,1]']);
    expect(report.extra).to.deep.equal(["ip"]);
    expect(weightsOf(model)["conv/0"]).to.deep.equal([0, 0, 0, 0]);
    expect(weightsOf(model)["conv/1"]).to.deep.equal([...CONV[1]]);
  });

  it("says the layer of a filler that is misspelt, at its place", async () => {
    const net = NET.replace('type: "constant"', 'type: "constat"');
    await failure(
      convert(net, new Map(), { allowMissing: true }),
      '<text>:3:25: layer "conv": unknown filler "constat"',
    );
  });

  it("does not mind a filler of a fork where it fills nothing, and refuses it at its place where it does", async () => {
    const net = NET.replace('type: "constant"', 'type: "value" values: 3');
    const path = file("net.caffemodel", caffemodel(BLOBS["packed float32"]!, "layer"));
    const { report } = await convert(net, path);
    expect(report.missing).to.deep.equal([]);
    await failure(
      convert(net, new Map(), { allowMissing: true }),
      '<text>:3:33: layer "conv": FillerParameter has no field values, which may change what is computed',
    );
  });

  it("refuses a layer that has a bias in the file and none in the net, which Caffe refuses too", async () => {
    const path = file("net.caffemodel", caffemodel(BLOBS["packed float32"]!, "layer"));
    const biased = NET.replace("bias_term: false", "");
    const [bare, more] = [NET.replace("num_output: 2", "num_output: 2 bias_term: false"), biased];
    await failure(
      convert(bare, path),
      `layer "conv" does not get its weights
note: layer "conv" has 1 blobs, in the file it has 2
note: --allow-missing fills missing and misshapen layers by their fillers`,
    );
    await failure(convert(more, path), 'note: layer "ip" has 2 blobs, in the file it has 1');
  });

  it("says that weights are for another input size where --height changed it", async () => {
    const path = file("net.caffemodel", caffemodel(BLOBS["packed float32"]!, "layer"));
    await failure(convert(NET, path, { height: 3 }), 'layer "ip" has weights for the prototxt\'s input size only');
  });

  it("refuses a file that is cut off or of another kind, naming it", async () => {
    const bytes = caffemodel(BLOBS["packed float32"]!, "layer");
    await failure(
      convert(NET, file("cut.caffemodel", bytes.subarray(0, bytes.length - 3))),
      "cut.caffemodel: not a complete binary",
    );
    await failure(convert(NET, file("net.caffemodel", Buffer.from(NET))), "net.caffemodel");
    await failure(convert(NET, join(folder(), "nowhere.caffemodel")), "no such file");
  });
});
