import { join } from "node:path";
import { expect } from "chai";
import { Solver } from "../../lib/index.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

const NET = `net_param {
  layer { name: "in" type: "Input" top: "data" top: "label" input_param { shape { dim: 2 dim: 3 } shape { dim: 2 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 1 } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "label" top: "loss" } }`;
/** Nothing is trained: a loss is a batch's mark. */
const still = (fields: string) => `${NET} base_lr: 0 lr_policy: "fixed" max_iter: 20 random_seed: 1 ${fields}`;
const data = Array.from({ length: 14 }, (_, i) => ({ data: [0, 0, 0], label: i }));
/** EuclideanLoss of the rows `first` and after it, of labels that are their numbers. */
const mark = (first: number) => ((first % 14) ** 2 + ((first + 1) % 14) ** 2) / 4;

async function losses(fields: string, n: number, text = still(fields)): Promise<readonly number[]> {
  await using solver = await Solver.load(text, { data });
  return await solver.step(n);
}

describe("batch_iterations", () => {
  it("has several iterations on each batch", async () => {
    expect(await losses("batch_iterations: 3", 7)).to.deep.equal([0, 0, 0, 2, 2, 2, 4].map(mark));
    expect(await losses("", 3)).to.deep.equal([0, 2, 4].map(mark));
  });

  it("counts the batches of iter_size as one", async () => {
    const both = (mark(0) + mark(2)) / 2;
    const next = (mark(4) + mark(6)) / 2;
    expect(await losses("batch_iterations: 2 iter_size: 2", 4)).to.deep.equal([both, both, next, next]);
  });

  it("goes on where rounds end between the iterations of a batch", async () => {
    await using solver = await Solver.load(still("batch_iterations: 3"), { data });
    const found: number[] = [];
    for (let i = 0; i < 7; i++) found.push(...(await solver.step(1)));
    expect(found).to.deep.equal([0, 0, 0, 2, 2, 2, 4].map(mark));
  });

  describe("in snapshots", () => {
    const folder = freshFolder();

    it("resumes between the iterations of a batch, bit-exactly", async () => {
      const text = `${NET} base_lr: 0.01 momentum: 0.9 lr_policy: "fixed" max_iter: 20 random_seed: 1 batch_iterations: 3`;
      const rows = data.map((row, i) => ({ ...row, data: [i / 14, 1, (i % 3) - 1] }));
      const solve = async (n: number, snapshot?: string) => {
        await using solver = await Solver.load(text, { data: rows, ...(snapshot !== undefined && { snapshot }) });
        const found = await solver.step(n);
        return { found, state: (await solver.snapshot(join(folder(), "s"))).state };
      };
      const whole = (await solve(9)).found;
      const { state } = await solve(4);
      expect((await solve(5, state)).found).to.deep.equal(whole.slice(4));
    });
  });

  it("is at least 1", async () => {
    await failure(losses("batch_iterations: 0", 1), "batch_iterations must be at least 1");
  });
});
