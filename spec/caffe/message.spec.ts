import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import protobuf from "protobufjs";
import { blobProto, blobShape, blobValues } from "../../lib/caffe/blob.js";
import { amend, create, decode, encode, has, sub, typeOf } from "../../lib/caffe/message.js";
import { type NetParameter, Phase, PoolingParameter_PoolMethod } from "../../lib/caffe/messages.js";
import { NetrunError } from "../../lib/error.js";
import { describeShared, goldenNames, goldenPath, sharedPath } from "../support/shared.js";

const golden = (solver: string, file: string) => readFileSync(goldenPath("solvers", solver, file));
const published = (file: string) => readFileSync(sharedPath("zoo", "models", file));

describe("a message", () => {
  it("reads an absent field as its proto2 default", () => {
    const pooling = create("PoolingParameter", { kernel_size: 3 });
    expect([pooling.pool, pooling.stride, pooling.kernel_h]).to.deep.equal([PoolingParameter_PoolMethod.MAX, 1, 0]);
    expect(create("NetState").phase).to.equal(Phase.TEST);
    expect(create("SolverParameter").random_seed).to.equal(-1);
    expect(create("Datum").data).to.deep.equal(new Uint8Array(0));
  });

  it("distinguishes a set field from a default, and a list with elements from an empty one", () => {
    const layer = create("LayerParameter", { name: "", bottom: [], top: ["a"] });
    expect([has(layer, "name"), has(layer, "type"), has(layer, "bottom"), has(layer, "top")]).to.deep.equal([
      true,
      false,
      false,
      true,
    ]);
  });

  it("makes messages of nested plain objects", () => {
    const net = create("NetParameter", {
      layer: [{ name: "c", convolution_param: { weight_filler: { type: "msra" } } }],
    });
    expect(typeOf(net.layer[0]!.convolution_param!)).to.equal("ConvolutionParameter");
    expect(net.layer[0]!.convolution_param!.weight_filler!.std).to.equal(1);
  });

  it("gives the default instance of an absent nested message", () => {
    const layer = create("LayerParameter", { relu_param: { negative_slope: 0.5 } });
    expect(sub(layer, "relu_param").negative_slope).to.equal(0.5);
    expect(sub(layer, "lrn_param").local_size).to.equal(5);
    expect(has(layer, "lrn_param")).to.equal(false);
  });

  it("rounds floats to float32, as reading them does", () => {
    const solver = create("SolverParameter", { base_lr: 0.01 });
    expect(solver.base_lr).to.equal(Math.fround(0.01));
    expect(solver.momentum2).to.equal(Math.fround(0.999));
    expect(decode("SolverParameter", encode(solver)).base_lr).to.equal(solver.base_lr);
  });

  it("refuses a field that the type does not have", () => {
    expect(() => create("NetState", { fase: 1 } as object)).to.throw(TypeError, "NetState has no field fase");
  });

  it("is changed in a copy, in which null removes a field", () => {
    const state = create("NetState", { phase: Phase.TRAIN, level: 2 });
    const amended = amend(state, { phase: null, stage: ["a"] });
    expect(encode(amended)).to.deep.equal(encode(create("NetState", { level: 2, stage: ["a"] })));
    expect(state.phase).to.equal(Phase.TRAIN);
  });

  it("keeps fields that the schema does not know", () => {
    const bytes = protobuf.Writer.create()
      .uint32((3 << 3) | 2)
      .string("a")
      .uint32((999 << 3) | 2)
      .string("fork")
      .finish();
    const state = decode("NetState", bytes);
    expect(encode(amend(state, {}))).to.deep.equal(bytes);
  });

  it("has int64 as numbers", () => {
    const shape = create("BlobShape", { dim: [2 ** 40, -1] });
    expect(decode("BlobShape", encode(shape)).dim).to.deep.equal([2 ** 40, -1]);
    expect(decode("SolverParameter", encode(create("SolverParameter", { random_seed: 1701 }))).random_seed).to.equal(
      1701,
    );
  });
});

describe("a binary message that cannot be read", () => {
  const weights = golden("adam", "init.caffemodel");

  it("names the file, the type and the offset when it is cut off", () => {
    const failing = () => decode("NetParameter", weights.subarray(0, 1000), "adam.caffemodel");
    expect(failing)
      .to.throw(NetrunError)
      .satisfies((error: NetrunError) =>
        /^adam.caffemodel: not a complete binary NetParameter: reading fails at byte \d+ of 1000\n/.test(
          error.format(),
        ),
      );
  });

  it("is refused when it is text", () => {
    expect(() => decode("NetParameter", Buffer.from('name: "LeNet"\nlayer { }\n'))).to.throw(NetrunError);
  });

  it("is refused when a blob declares more than there is", () => {
    const huge = protobuf.Writer.create()
      .uint32((5 << 3) | 2)
      .uint32(0x7fffffff)
      .finish();
    expect(() => decode("BlobProto", huge)).to.throw(NetrunError, "not a complete binary BlobProto");
  });
});

describe("a blob", () => {
  const tag = (id: number, wire: number) => (id << 3) | wire;

  it("reads packed values into a Float32Array", () => {
    const blob = decode("BlobProto", encode(blobProto([2, 1], Float32Array.of(1.5, -2))));
    expect(blobValues(blob)).to.deep.equal(Float32Array.of(1.5, -2));
    expect(blobShape(blob)).to.deep.equal([2, 1]);
    expect(has(blob, "data")).to.equal(true);
    expect(has(blob, "diff")).to.equal(false);
  });

  it("reads unpacked values, and runs of both kinds after one another", () => {
    const w = protobuf.Writer.create();
    w.uint32(tag(5, 5)).float(1).uint32(tag(5, 5)).float(2);
    w.uint32(tag(5, 2)).bytes(new Uint8Array(Float32Array.of(3, 4).buffer));
    w.uint32(tag(5, 5)).float(5).uint32(tag(2, 0)).int32(5);
    const blob = decode("BlobProto", w.finish());
    expect(blob.data).to.deep.equal(Float32Array.of(1, 2, 3, 4, 5));
    expect(blobShape(blob)).to.deep.equal([0, 5, 0, 0]);
  });

  it("reads double values as float32 where they are asked for as such", () => {
    const packed = create("BlobProto", { double_data: [0.1, 2] });
    expect(blobValues(decode("BlobProto", encode(packed)))).to.deep.equal(Float32Array.of(0.1, 2));
    const unpacked = protobuf.Writer.create().uint32(tag(8, 1)).double(0.1).uint32(tag(8, 1)).double(2).finish();
    expect(decode("BlobProto", unpacked).double_data).to.deep.equal(Float64Array.of(0.1, 2));
  });

  it("refuses a run that is not a whole number of values", () => {
    const cut = protobuf.Writer.create()
      .uint32(tag(5, 2))
      .bytes(Uint8Array.of(1, 2, 3))
      .finish();
    expect(() => decode("BlobProto", cut)).to.throw(NetrunError);
    const unpacked = protobuf.Writer.create().uint32(tag(5, 5)).float(1).finish().subarray(0, 4);
    expect(() => decode("BlobProto", unpacked)).to.throw(NetrunError);
  });
});

describe("files that Caffe wrote", () => {
  for (const solver of goldenNames("solvers"))
    it(`those of the solver ${solver} are written again byte by byte`, () => {
      const files = readdirSync(goldenPath("solvers", solver));
      const models = files.filter((file) => file.endsWith(".caffemodel"));
      const states = files.filter((file) => file.endsWith(".solverstate"));
      expect(models).to.include("init.caffemodel");
      for (const [type, names] of [["NetParameter", models] as const, ["SolverState", states] as const])
        for (const name of names) {
          const bytes = golden(solver, name);
          expect(Buffer.from(encode(decode(type, bytes))).equals(bytes), name).to.equal(true);
        }
    });
});

describeShared("published files that Caffe wrote", () => {
  for (const file of ["lenet_iter_10000", "cifar10_quick_iter_5000", "cifar10_full_iter_70000", "mtcnn_det1"])
    it(`${file}.caffemodel is written again byte by byte`, () => {
      const bytes = published(`${file}.caffemodel`);
      expect(Buffer.from(encode(decode("NetParameter", bytes))).equals(bytes)).to.equal(true);
    });

  it("a solverstate is written again byte by byte", () => {
    const bytes = published("lenet_iter_10000.solverstate");
    const state = decode("SolverState", bytes);
    expect(state.iter).to.equal(10000);
    expect(Buffer.from(encode(state)).equals(bytes)).to.equal(true);
  });

  it("LeNet's blobs have their shapes and values", () => {
    const net: NetParameter = decode("NetParameter", published("lenet_iter_10000.caffemodel"));
    const layer = net.layers.find(({ name }) => name === "ip2")!;
    expect(layer.blobs.map(blobShape)).to.deep.equal([
      [1, 1, 10, 500],
      [1, 1, 1, 10],
    ]);
    expect(blobValues(layer.blobs[0]!)).to.have.length(5000);
  });
});
