import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { writeHdf5Rows, writeHdf5State, writeHdf5Weights } from "../lib/caffe/hdf5.js";
import { saveRows } from "../lib/data/source/table/save.js";
import { writeRows } from "../lib/data/write-rows.js";
import { stageFile, writePieces, writeWhole } from "../lib/file.js";
import { failure } from "./support/failure.js";
import { freshFolder } from "./support/folder.js";
import { smallDisk } from "./support/small-disk.js";

/** More than the disk holds, in one piece: what of it has room is written without an error. */
const LENGTH = 30_000;
const blob = { shape: [LENGTH], data: Float32Array.from({ length: LENGTH }, (_, i) => Math.sin(i)) };
async function* once() {
  yield { length: 1, values: [blob.data] };
}
const columns = [{ name: "a", width: LENGTH }];

/** Writers of files that are whole or not there. */
const WRITERS: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  "x.csv": (path) => writeRows(path, columns, once()),
  "x.arrow": (path) => writeRows(path, columns, once()),
  "x.parquet": (path) => writeRows(path, columns, once()),
  "rows.arrow": (path) => saveRows(path, [{ a: blob.data }]),
  "x.bin": (path) => writeWhole(path, new Uint8Array(blob.data.buffer)),
  pieces: async (path) =>
    (await stageFile(path, (file) => writePieces(file, [new Uint8Array(blob.data.buffer)]))).commit(),
  "w.caffemodel.h5": async (path) =>
    (await stageFile(path, (file) => writeHdf5Weights(file, new Map([["a", [blob]]])))).commit(),
  "s.solverstate.h5": async (path) =>
    (
      await stageFile(path, (file) =>
        writeHdf5State(file, { iter: 1, learned_net: "", current_step: 0, history: [blob] }),
      )
    ).commit(),
};

describe("a disk that becomes full", () => {
  const folder = freshFolder();

  for (const [name, write] of Object.entries(WRITERS))
    it(`within ${name} is an error that names it, and leaves nothing there`, async function () {
      using disk = smallDisk(folder(), "64k");
      if (!disk) this.skip();
      await failure(write(join(disk.path, name)), `${join(disk.path, name)}`);
      expect(readdirSync(disk.path)).to.deep.equal([]);
    });

  it("while rows are added to an HDF5 file is an error that names it", async function () {
    using disk = smallDisk(folder(), "64k");
    if (!disk) this.skip();
    const path = join(disk.path, "x.h5");
    const rows = (n: number) => ({ data: { shape: [n, 100], data: new Float32Array(100 * n).fill(1) } });
    await writeHdf5Rows(path, rows(4), false);
    await failure(
      (async () => {
        for (let i = 0; i < 100; i++) await writeHdf5Rows(path, rows(64), true);
      })(),
      `${path}: cannot be written as HDF5`,
    );
  });
});
