import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { refusedFork } from "../../lib/caffe/forks/index.js";
import { loadNet } from "../../lib/caffe/load.js";
import { create, encode } from "../../lib/caffe/message.js";
import { PoolingParameter_RoundMode as RoundMode } from "../../lib/caffe/messages.js";
import { readWeights } from "../../lib/caffe/weights.js";
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
    expect(more(14, ...message(138, [8, 0]))).to.contain("field 138 of this binary net");
    // A type's number that only forks have.
    expect(more(45)).to.contain("field 5 of this binary net");
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

  it("run if they have only Caffe's own fields", () => {
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
