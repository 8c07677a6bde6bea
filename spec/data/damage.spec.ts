import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import h5wasm from "h5wasm/node";
import { columnsOf } from "../../lib/data/source/columns.js";
import { openSource, type SourceSpec } from "../../lib/data/source/open.js";
import { WHOLE } from "../../lib/data/source/source.js";
import { saveRows } from "../../lib/data/source/table/save.js";
import { NetrunError } from "../../lib/error.js";
import { keepAfterFailures } from "../../lib/isolated.js";
import { freshFolder } from "../support/folder.js";
import { prng } from "../support/prng.js";
import { root } from "../support/shared.js";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

interface Format {
  readonly name: string;
  write(path: string): Promise<void>;
  spec(path: string): SourceSpec;
}

const FORMATS: readonly Format[] = [
  {
    name: "Arrow",
    write: async (path) => {
      await saveRows(
        path,
        range(300).map((x) => ({ x, data: new Float32Array(20).fill(x), bytes: new Uint8Array(5) })),
      );
    },
    spec: (path) => ({ kind: "arrow", path }),
  },
  ...["lz4", "zstd"].map(
    (codec): Format => ({
      name: `Arrow, compressed by ${codec}`,
      write: async (path) => copyFileSync(join(root, `fixtures/data/${codec}.arrow`), path),
      spec: (path) => ({ kind: "arrow", path }),
    }),
  ),
  {
    name: "HDF5",
    write: async (path) => {
      await h5wasm.ready;
      const file = new h5wasm.File(path, "w");
      file.create_dataset({
        name: "data",
        data: new Float32Array(400),
        shape: [100, 4],
        chunks: [10, 4],
        compression: 4,
      });
      file.close();
    },
    spec: (path) => ({ kind: "hdf5", files: [path] }),
  },
];

describe("damaged files", () => {
  const folder = freshFolder();
  before(() => keepAfterFailures(100));
  after(() => keepAfterFailures(0));
  for (const { name, write, spec } of FORMATS)
    it(`of ${name} end with rows or a NetrunError, whatever byte is wrong`, async () => {
      const path = join(folder(), "whole");
      await write(path);
      const whole = readFileSync(path);
      const random = prng(5);
      const below = (n: number): number => Math.floor(random() * n);
      for (let round = 0; round < 80; round++) {
        const bytes = Buffer.from(whole.subarray(0, round % 4 === 0 ? below(whole.length) : whole.length));
        // Many of the bytes that matter are at the end, where Arrow keeps its index.
        for (let k = 0; k <= below(5) && bytes.length > 0; k++)
          bytes[below(2) ? below(bytes.length) : Math.max(0, bytes.length - 1 - below(300))] = below(256);
        const damaged = join(folder(), `${round}`);
        writeFileSync(damaged, bytes);
        try {
          await using source = await openSource(spec(damaged));
          for await (const batch of source.batches(WHOLE)) columnsOf(batch);
        } catch (error) {
          expect(error, `round ${round}: ${(error as Error).stack}`).to.be.instanceOf(NetrunError);
        }
      }
    });
});
