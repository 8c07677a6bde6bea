import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Net, testNet } from "../../lib/index.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

const MODEL = `
  layer { name: "in" type: "Input" top: "a" top: "b" input_param { shape { dim: 2 } shape { dim: 2 } } }
  layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum" }
  layer { name: "loss" type: "EuclideanLoss" bottom: "a" bottom: "b" top: "loss" loss_weight: 2 }`;

describe("testNet", () => {
  const folder = freshFolder();

  async function load(): Promise<Net> {
    const path = join(folder(), "rows.csv");
    writeFileSync(path, "a,b\n0,0\n1,2\n2,4\n3,6\n");
    return await Net.load(MODEL, { data: path });
  }

  it("means each output over the batches, and the objective from them", async () => {
    await using net = await load();
    const seen: number[] = [];
    const scores = await testNet(net, { iterations: 2, onBatch: (_, { loss }) => seen.push(loss!.data[0]!) });
    // Half the mean of squared differences: (0 + 1) / 4 and (4 + 9) / 4.
    expect(seen).to.deep.equal([0.25, 3.25]);
    expect(scores).to.deep.equal({ loss: 3.5, outputs: { sum: [3, 6], loss: [1.75] } });
  });

  it("counts losses that are no outputs, unnamed or read by another layer, as a solver's tests do", async () => {
    const path = join(folder(), "rows.csv");
    writeFileSync(path, "a,b\n0,0\n1,2\n2,4\n3,6\n");
    const unnamed = MODEL.replace('top: "loss" ', "");
    const read = `${MODEL} layer { name: "p" type: "Power" bottom: "loss" top: "p" }`;
    for (const model of [unnamed, read]) {
      await using net = await Net.load(model, { data: path });
      expect((await testNet(net, { iterations: 2 })).loss).to.equal(3.5);
      expect((await testNet(net, { iterations: 2, onBatch: () => {} })).loss).to.equal(3.5);
    }
  });

  it("computes only the outputs, or the named blobs, unless a callback sees the batches", async () => {
    await using net = await load();
    const asked: unknown[] = [];
    const forward = net.forward.bind(net);
    net.forward = (inputs, options) => {
      asked.push(options?.blobs);
      return forward(inputs, options);
    };
    await testNet(net, { iterations: 1 });
    const seen: string[][] = [];
    await testNet(net, { iterations: 1, blobs: ["a", "sum"], onBatch: (_, blobs) => seen.push(Object.keys(blobs)) });
    expect(asked).to.deep.equal([net.outputs, [...net.outputs, "a"]]);
    expect(seen).to.deep.equal([[...net.outputs, "a"]]);
  });

  it("refuses a number of batches that is no count", async () => {
    await using net = await load();
    await failure(
      testNet(net, { iterations: 1.5 }),
      "iterations is 1.5; it must be a whole number of batches, 1 or more",
    );
  });
});
