import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { type NetOptions, Solver, type SolverOptions } from "../../lib/index.js";
import { cacheIn } from "../support/cache.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

const NET = `
  layer { name: "in" type: "Input" top: "data" top: "label"
          input_param { shape { dim: 2 dim: 1 dim: 3 } shape { dim: 2 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
          inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" LOSS }
`;

describe("data that does not suit the net", () => {
  const folder = freshFolder();
  cacheIn(folder);
  const train = async (csv: string, options: Omit<SolverOptions, keyof NetOptions> & NetOptions = {}, loss = "") => {
    const [data, net] = [join(folder(), "data.csv"), join(folder(), "net.prototxt")];
    writeFileSync(data, csv);
    writeFileSync(net, NET.replace("LOSS", loss));
    const solver = await Solver.load(`net: "${net}" base_lr: 0.1 lr_policy: "fixed" max_iter: 9`, { data, ...options });
    try {
      return await solver.step(2);
    } finally {
      await solver[Symbol.asyncDispose]();
    }
  };
  const rows = (...labels: readonly number[]) => `a,b,c,label\n${labels.map((label) => `1,2,3,${label}\n`).join("")}`;

  it("has a label out of range, which is refused before the first iteration, wherever it is", async () => {
    const why = '"label": the label 3 is out of range: layer "loss" takes 0 to 2';
    await failure(train(rows(0, 1, 2, 1, 0, 3)), `data.csv: line 7: ${why}`);
    await failure(train(rows(0, -1)), 'data.csv: line 3: "label": the label -1 is out of range');
  });

  it("leaves records with such labels out on request", async () => {
    expect(await train(rows(0, 1, 3, 2), { onBadRecord: "skip" })).to.have.length(2);
  });

  it("may have the label that the loss ignores", async () => {
    expect(await train(rows(0, 255), {}, "loss_param { ignore_label: 255 }")).to.have.length(2);
  });

  it("has rows of another shape: the error names column, type and the expected shape", async () => {
    const why = 'column "data" holds float32 [2], and the blob "data" wants rows of [1,3]';
    await failure(train("a,b,label\n1,2,0\n1,2,1\n"), why);
  });
});
