import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { convert, importWeights } from "../../lib/convert/index.js";
import { outlineOf } from "../../lib/convert/model-outline.js";
import { readModelWeights } from "../../lib/convert/model-weights.js";
import { NetrunError } from "../../lib/error.js";
import { ModelProto } from "../../lib/onnx/schema.js";
import { freshFolder } from "../support/folder.js";

/** 1,536 weights: 6 KB. */
const NET = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [1, 32] } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 48 weight_filler { type: "xavier" } } }`;

const bytesOf = (initializer: object): Uint8Array =>
  ModelProto.encode(ModelProto.fromObject({ graph: { initializer: [initializer] } })).finish();

const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i / 8);

describe("the outline of a model's file", () => {
  const folder = freshFolder();
  const file = (bytes: Uint8Array) => {
    const path = join(folder(), "m.onnx");
    writeFileSync(path, bytes);
    return path;
  };
  const elements = (path: string, name = "w") => readModelWeights(path).tensors.get(name)?.read();

  for (const fp16 of [false, true])
    it(`leaves weights in the file${fp16 ? ", in half precision" : ""}: they are imported as from a model in memory`, async () => {
      const { model } = await convert(NET.replaceAll("32", "128"), [], { allowMissing: true, fp16 });
      const path = file(model);
      expect(outlineOf(path)!.length).to.be.below(model.length / 4);
      const net = NET.replaceAll("32", "128");
      expect(Buffer.from(importWeights(path, net)).equals(importWeights(model, net))).to.equal(true);
    });

  it("leaves lists of other tools there: packed floats and doubles", () => {
    const [floats, doubles] = [ramp(2000), Float64Array.from(ramp(2000))];
    const asFloats = file(bytesOf({ name: "w", dims: [2000], data_type: 1, float_data: [...floats] }));
    expect(outlineOf(asFloats)!.length).to.be.below(200);
    expect(elements(asFloats)).to.deep.equal(floats);
    const asDoubles = file(bytesOf({ name: "w", dims: [2000], data_type: 11, double_data: [...doubles] }));
    expect(outlineOf(asDoubles)!.length).to.be.below(200);
    expect(elements(asDoubles)).to.deep.equal(floats);
  });

  it("has elements whose field is not of the tensor's type, and lists in two pieces", () => {
    const list = { name: "w", dims: [2000], data_type: 10, float_data: [...ramp(2000)] };
    expect(outlineOf(file(bytesOf(list)))!.length).to.be.above(8000);
    expect(elements(file(bytesOf(list)))).to.deep.equal(new Float32Array(0));
    const half = bytesOf({ float_data: [...ramp(2000)] });
    const tensor = half.subarray(half.indexOf(0x22));
    const named = bytesOf({ name: "w", data_type: 1 });
    const inner = Buffer.concat([named.subarray(4), tensor, tensor]);
    const varint = (value: number) => Buffer.of((value & 127) | 128, value >> 7);
    const graph = Buffer.concat([Buffer.of(0x2a), varint(inner.length), inner]);
    const path = file(Buffer.concat([Buffer.of(0x3a), varint(graph.length), graph]));
    expect(elements(path)).to.deep.equal(Float32Array.from([...ramp(2000), ...ramp(2000)]));
  });

  it("is none of a file that is cut off or goes on, which is refused as before", async () => {
    const { model } = await convert(NET, [], { allowMissing: true });
    const path = file(model);
    truncateSync(path, model.length - 1);
    expect(outlineOf(path)).to.equal(undefined);
    expect(() => importWeights(path, NET)).to.throw(NetrunError, "not an ONNX model");
    writeFileSync(path, model);
    appendFileSync(path, Buffer.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f));
    expect(outlineOf(path)).to.equal(undefined);
    expect(() => importWeights(path, NET)).to.throw(NetrunError, "not an ONNX model");
  });

  it("says so where the file becomes shorter before its weights are read", async () => {
    const { model } = await convert(NET, [], { allowMissing: true });
    const path = file(model);
    const { tensors } = readModelWeights(path);
    truncateSync(path, 1000);
    expect(() => tensors.get("ip/0")!.read()).to.throw(NetrunError, "the file became shorter");
    expect(readFileSync(path)).to.have.length(1000);
  });
});
