import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { convert } from "../../lib/convert/index.js";
import { NetrunError } from "../../lib/error.js";
import { readArtifact } from "../../lib/inspect/identify.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

describe("a file of another format", () => {
  const folder = freshFolder();
  for (const [start, what] of [
    ["PAR1....", "is a Parquet file"],
    ["\x89PNG\r\n\x1a\n", "is a PNG image"],
    ["PK\x03\x04....", "is a ZIP archive"],
    ["\x1f\x8b......", "is compressed by gzip"],
  ] as const)
    it(`${what}, and the error says so`, async () => {
      const path = join(folder(), "file");
      writeFileSync(path, Buffer.from(start.padEnd(40, "x"), "latin1"));
      await failure(readArtifact(path), `file: ${what}`);
    });
});

describe("a damaged ONNX model", () => {
  const folder = freshFolder();

  it("is never taken for another kind of file, whichever of its first bytes is another one", async () => {
    const net = loadNet(
      `\ninput: "x" input_shape { dim: 1 dim: 4 } layer { name: "r" type: "ReLU" bottom: "x" top: "r" }`,
    );
    const { model } = await convert(net.message, new Map());
    const path = join(folder(), "model.onnx");
    const kinds = new Set<string>();
    for (let at = 0; at < 64; at++) {
      const bytes = Uint8Array.from(model);
      bytes[at]! ^= 0xff;
      writeFileSync(path, bytes);
      try {
        kinds.add((await readArtifact(path)).kind);
      } catch (error) {
        expect(error).to.be.instanceOf(NetrunError);
      }
    }
    expect([...kinds]).to.deep.equal(["onnx"]);
  });

  it("without its ending is no mean image", async () => {
    const net = loadNet(
      `\ninput: "x" input_shape { dim: 1 dim: 4 } layer { name: "r" type: "ReLU" bottom: "x" top: "r" }`,
    );
    const { model } = await convert(net.message, new Map());
    const path = join(folder(), "model");
    for (let at = 0; at < 64; at++) {
      const bytes = Uint8Array.from(model);
      bytes[at]! ^= 0xff;
      writeFileSync(path, bytes);
      const kind = await readArtifact(path).then(
        (found) => found.kind,
        () => "refused",
      );
      expect(kind, `byte ${at}`).to.be.oneOf(["onnx", "refused"]);
    }
  });
});
