import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Dataset, File } from "h5wasm/node";
import { Net } from "../../lib/api/net.js";
import { inputLayer, refusal, tensor } from "../support/net.js";

describe("HDF5Output", () => {
  it("writes data and label of every forward, and nothing backward", async () => {
    const folder = mkdtempSync(join(tmpdir(), "netrun-hdf5-output-"));
    try {
      const path = join(folder, "out.h5");
      const text = `${inputLayer("x", 2, 3)}${inputLayer("z", 2)}layer { name: "a" type: "AbsVal" bottom: "x" top: "y" loss_weight: 1 }
        layer { name: "l" type: "HDF5Output" bottom: "y" bottom: "z" hdf5_output_param { file_name: "${path}" } }`;
      await using net = await Net.load(text);
      await net.forward({ x: tensor([1, -2, 3, -4, 5, -6], [2, 3]), z: tensor([7, 8]) });
      await net.backward();
      await net.forward({ x: tensor([0, 0, -1], [1, 3]), z: tensor([9]) });
      const file = new File(path, "r");
      const read = (name: string) => {
        const { shape, value } = file.get(name) as Dataset;
        return { shape, values: [...(value as Float32Array)] };
      };
      expect(read("data")).to.deep.equal({ shape: [3, 3, 1, 1], values: [1, 2, 3, 4, 5, 6, 0, 0, 1] });
      expect(read("label")).to.deep.equal({ shape: [3, 1, 1, 1], values: [7, 8, 9] });
      file.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("refuses bottoms of different numbers of items", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("z", 3)}layer { name: "l" type: "HDF5Output" bottom: "x" bottom: "z" hdf5_output_param { file_name: "o.h5" } }`,
      ),
    ).to.equal('net:3:58: layer "l": [3] does not have as many items as [2,3]');
  });

  it("refuses a bottom of more than four axes", () => {
    const text = `${inputLayer("x", 2, 1, 1, 1, 1)}${inputLayer("z", 2)}layer { name: "l" type: "HDF5Output" bottom: "x" bottom: "z" hdf5_output_param { file_name: "o.h5" } }`;
    expect(refusal(text)).to.equal('net:3:46: layer "l": [2,1,1,1,1] does not have 1 to 4 axes');
  });

  it("refuses to write into nowhere", () => {
    const text = `${inputLayer("x", 2)}${inputLayer("z", 2)}layer { name: "l" type: "HDF5Output" bottom: "x" bottom: "z" }`;
    expect(refusal(text)).to.equal(
      ['net:3:1: layer "l": file_name is missing', 'note: write file_name: "FILE.h5"'].join("\n"),
    );
  });
});
