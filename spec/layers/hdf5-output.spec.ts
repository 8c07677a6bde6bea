import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Dataset, File } from "h5wasm/node";
import { Net } from "../../lib/api/net.js";
import { Solver } from "../../lib/train/solver.js";
import { failure } from "../support/failure.js";
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

  it("does not end a training where its file cannot be written, which is said once, and does end a forward", async () => {
    const net = `${inputLayer("x", 2, 3)}${inputLayer("z", 2, 1)}
      layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 1 } }
      layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "z" top: "loss" }
      layer { name: "l" type: "HDF5Output" bottom: "ip" bottom: "z" hdf5_output_param { file_name: "/proc/nowhere.h5" } }`;
    const batch = { x: tensor([1, 2, 3, 4, 5, 6], [2, 3]), z: tensor([7, 8], [2, 1]) };
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on("warning", listen);
    try {
      await using solver = await Solver.load(
        `net_param { ${net} } base_lr: 0.01 lr_policy: "fixed" max_iter: 3 snapshot_after_train: false`,
      );
      await solver.step(3, batch);
      expect(solver.iteration).to.equal(3);
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off("warning", listen);
    }
    expect(warnings.map(({ name, message }) => [name, message.split("\n")[0]])).to.deep.equal([
      ["OutputFile", "/proc/nowhere.h5: cannot be written as HDF5"],
    ]);
    await using alone = await Net.load(net);
    await failure(alone.forward(batch), "/proc/nowhere.h5: cannot be written as HDF5");
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
