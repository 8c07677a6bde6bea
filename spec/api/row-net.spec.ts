import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Field, Float32, List, Table, tableToIPC, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import { extract } from "../../lib/api/extract.js";
import { RowNet } from "../../lib/api/row-net.js";
import { convertFile } from "../../lib/convert/index.js";
import { frameSpec } from "../../lib/data/source/spark.js";
import { Net } from "../../lib/index.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

const NET = `
  layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
    inner_product_param { num_output: 2 weight_filler { type: "uniform" min: -1 max: 1 } } }`;

describe("a net over rows that come in pieces", () => {
  const folder = freshFolder();
  const row = (i: number): readonly number[] => [i, i * 0.5, 1 / (1 + i)];
  /** Rows [from, to) in a file, as Spark sends them. */
  const piece = (from: number, to: number, width = 3) => {
    const list = new List(new Field("element", new Float32(), true));
    const rows = Array.from({ length: to - from }, (_, i) => row(from + i).slice(0, width));
    const path = join(folder(), `${from}.arrow`);
    writeFileSync(path, tableToIPC(new Table({ x: vectorFromArray(rows, list) }), "stream"));
    return { path, rows: to - from };
  };
  const file = (from: number, to: number, width = 3) =>
    frameSpec({ frame: "partition 4", id: 0, unusable: {}, texts: {}, ...piece(from, to, width) });
  const net = (): string => {
    const path = join(folder(), "net.prototxt");
    writeFileSync(path, NET);
    return path;
  };

  it("gives the blobs that extraction gives of the same rows, also of a last batch that is not full", async () => {
    const model = net();
    await using rows = await RowNet.open({ model, blobs: ["y"], batchSize: 2 }, file(0, 4));
    const got = [await rows.run(piece(0, 4)), await rows.run(piece(4, 7))];
    expect(got.map(({ y }) => y!.shape)).to.deep.equal([
      [4, 2],
      [3, 2],
    ]);
    const wanted: number[] = [];
    const { path } = piece(0, 7);
    for await (const { blobs } of extract({ model, blobs: ["y"], batchSize: 2, data: path }))
      wanted.push(...blobs.y!.data);
    expect(got.flatMap(({ y }) => [...y!.data])).to.deep.equal(wanted);
  });

  it("takes an ONNX file, whose numbers are the net's", async () => {
    const model = join(folder(), "net.onnx");
    const saved = join(folder(), "net.caffemodel");
    await using source = await Net.load(net());
    await source.save(saved);
    await convertFile(net(), saved, model);
    await using onnx = await RowNet.open({ model, blobs: ["y"], batchSize: 2 }, file(0, 4));
    await using rows = await RowNet.open({ model: net(), blobs: ["y"], batchSize: 2 }, file(0, 4));
    const [got, wanted] = [await onnx.run(piece(0, 4)), await rows.run(piece(0, 4))];
    expect(got.y!.shape).to.deep.equal(wanted.y!.shape);
    // The file's weights are constants, folded: other last bits.
    for (const [i, value] of wanted.y!.data.entries()) expect(got.y!.data[i]).to.be.closeTo(value, 1e-6);
  });

  it("refuses columns of another shape, by their names, and blobs that are not there", async () => {
    const open = (blob: string, width: number) =>
      RowNet.open({ model: net(), blobs: [blob], batchSize: 2 }, file(0, 4, width));
    await failure(open("y", 2), 'column "x" holds float32 [2], and the blob "x" wants rows of [3]');
    await failure(open("z", 3), 'the net has no blob "z"');
  });
});
