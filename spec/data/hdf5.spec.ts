import { join } from "node:path";
import { expect } from "chai";
import h5wasm, { type Dataset } from "h5wasm/node";
import { readHdf5Weights, writeHdf5Weights } from "../../lib/caffe/hdf5.js";
import { columnsOf, type NumberColumn } from "../../lib/data/source/columns.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { openSource } from "../../lib/data/source/open.js";
import { WHOLE } from "../../lib/data/source/source.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { withMaxAlloc } from "../support/limit.js";
import { root } from "../support/shared.js";

describe("HDF5 files", () => {
  const folder = freshFolder();

  const write = async (shape: readonly number[], maxshape?: (number | null)[], chunks?: number[]) => {
    await h5wasm.ready;
    const path = join(folder(), `${shape}.h5`);
    const file = new h5wasm.File(path, "w");
    const values = new Float32Array(shape.reduce((a, b) => a * b));
    file.create_dataset({
      name: "data",
      data: values,
      shape: [...shape],
      ...(maxshape && { maxshape }),
      ...(chunks && { chunks }),
    });
    file.close();
    return path;
  };
  const read = async (path: string) => {
    await using source = await openSource({ kind: "hdf5", files: [path] });
    let rows = 0;
    for await (const batch of source.batches(WHOLE)) rows += batch.numRows;
    return rows;
  };

  it("that declare more rows than they can hold are refused before any is read", async () => {
    const path = await write([1237, 3], [null, 3], [64, 3]);
    const file = new h5wasm.File(path, "a");
    (file.get("data") as Dataset).resize([2 ** 40, 3]);
    file.close();
    await failure(read(path), `${path}: /data of [1099511627776,3], more than the file holds, would take 12.0 TiB`);
  });

  it("of weights are refused where what they unpack to is more than may be in memory", async () => {
    await h5wasm.ready;
    const path = join(folder(), "packed.h5");
    const file = new h5wasm.File(path, "w");
    const layer = file.create_group("data").create_group("a");
    const packed = { compression: "gzip" as const, compression_opts: [9], chunks: [1000] };
    layer.create_dataset({ name: "0", data: new Float32Array(2e6), shape: [2_000_000], ...packed });
    file.close();
    await withMaxAlloc("1M", () =>
      failure(readHdf5Weights(path), `${path}: /data/a/0 of [2000000], more than the file holds`),
    );
    expect((await readHdf5Weights(path)).get("a")![0]!.data.length).to.equal(2_000_000);
  });

  it("of a list may be the same one twice", async () => {
    const path = await write([50, 2]);
    await using source = await openSource({ kind: "hdf5", files: [path, path] });
    expect([source.length, source.groups]).to.deep.equal([100, [50, 50]]);
  });

  it("that cannot be read in time, or leave no memory, end with an error, and others are read after them", async () => {
    // Some milliseconds of work at least, on any machine.
    const path = await write([1_000_000, 2]);
    process.env["NETRUN_READ_TIMEOUT_MS"] = "1";
    try {
      await failure(read(path), `${path}: the HDF5 file cannot be read\nnote: reading takes longer than 0.001 s`);
    } finally {
      delete process.env["NETRUN_READ_TIMEOUT_MS"];
    }
    expect(await read(path)).to.equal(1_000_000);
  });

  it("may be read by two at a time, and by parts larger than what is fetched at once", async () => {
    const path = await write([3000, 700], [null, 700], [64, 700]);
    expect(await Promise.all([read(path), read(path)])).to.deep.equal([3000, 3000]);
    await using source = await openSource({ kind: "hdf5", files: [path] });
    const count = async () => {
      let rows = 0;
      for await (const batch of source.batches(WHOLE, 5)) rows += batch.numRows;
      return rows;
    };
    expect(await Promise.all([count(), count()])).to.deep.equal([2995, 2995]);
  });

  it("of weights come back in pieces as they are", async () => {
    const path = join(folder(), "weights.h5");
    const values = Float32Array.from({ length: 3 * 700 * 1001 }, (_, i) => i % 65537);
    await writeHdf5Weights(path, new Map([["a", [{ shape: [3, 700, 1001], data: values }]]]));
    const [blob] = (await readHdf5Weights(path)).get("a")!;
    expect(blob!.shape).to.deep.equal([3, 700, 1001]);
    expect(Buffer.from(blob!.data.buffer).equals(Buffer.from(values.buffer))).to.equal(true);
  });

  it("may hold numbers in half precision", async () => {
    await using source = await openSource(detectSource(join(root, "fixtures/data/half.h5")));
    const rows: number[] = [];
    for await (const batch of source.batches(WHOLE, 1)) rows.push(...(columnsOf(batch)["data"] as NumberColumn).values);
    expect(source.fields["data"]).to.deep.equal({ dtype: "float32", shape: [2] });
    expect(rows).to.deep.equal([2.25, 65504, 0, -8]);
  });
});
