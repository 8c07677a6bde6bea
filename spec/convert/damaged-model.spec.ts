import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { readModelWeights } from "../../lib/convert/model-weights.js";
import { NetrunError } from "../../lib/error.js";
import { ModelProto } from "../../lib/onnx/schema.js";

const bytesOf = (graph: object): Uint8Array => ModelProto.encode(ModelProto.fromObject({ graph })).finish();

describe("the weights of a damaged ONNX model", () => {
  it("are read where an input declares no type", () => {
    const { shapes } = readModelWeights(bytesOf({ input: [{ name: "data" }] }));
    expect([...shapes]).to.deep.equal([]);
  });

  it("are refused where their bytes are no whole number of elements", () => {
    const w = { name: "w", dims: [1], data_type: 1, raw_data: Uint8Array.of(0, 0, 0, 0, 0) };
    expect(() => readModelWeights(bytesOf({ initializer: [w] }))).to.throw(
      NetrunError,
      'tensor "w": 5 bytes are no whole',
    );
  });

  it("are refused where the file beside the model is shorter than it is said to be, before anything is allocated", () => {
    const folder = mkdtempSync(join(tmpdir(), "netrun-spec-"));
    try {
      const location = { key: "location", value: "w.bin" };
      const external_data = [location, { key: "offset", value: "0" }, { key: "length", value: "900000000000" }];
      const w = { name: "w", dims: [1], data_type: 1, data_location: 1, external_data };
      writeFileSync(join(folder, "w.bin"), new Uint8Array(4));
      writeFileSync(join(folder, "m.onnx"), bytesOf({ initializer: [w] }));
      expect(() => readModelWeights(join(folder, "m.onnx"))).to.throw(
        NetrunError,
        'ends before the model\'s tensor "w"',
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
