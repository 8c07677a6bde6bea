import { expect } from "chai";
import type { NetrunError } from "../../lib/error.js";
import { Solver, type SolverOptions } from "../../lib/train/solver.js";

const ROWS = Array.from({ length: 11 }, (_, i) => ({ x: [i, 1], label: i % 3 === 0 ? 1 : 0 }));
/** Scores of the second class are x - 5, of the first 0: it is predicted from 5 on. */
const net = (more = "", bottom = "x") => `net_param {
  layer { name: "d" type: "Data" top: "x" top: "label" data_param { source: "rows" batch_size: 4 } }
  ${more}
  layer { name: "ip" type: "InnerProduct" bottom: "${bottom}" top: "ip" inner_product_param { num_output: 2 bias_term: false } }
  layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" } }`;
const solver = (text: string) =>
  `${text} base_lr: 0 lr_policy: "fixed" max_iter: 5 test_iter: 0 test_interval: 1 random_seed: 1`;

const margin = (i: number) => i - 5.5;
const EXACT = {
  accuracy: ROWS.filter(({ label }, i) => (margin(i) > 0 ? 1 : 0) === label).length / ROWS.length,
  loss:
    ROWS.reduce((sum, { label }, i) => sum + Math.log(1 + Math.exp(label === 1 ? -margin(i) : margin(i))), 0) /
    ROWS.length,
};

async function loaded(text: string, options: SolverOptions = {}): Promise<Solver> {
  const made = await Solver.load(solver(text), { data: ROWS, ...options });
  made.net.params.get("ip")![0]!.data.set([0, 0, 1, -5.5]);
  return made;
}

describe("a test of all rows (test_iter: 0)", () => {
  for (const workers of [undefined, 2])
    it(`scores each once, whatever the batch size: ${workers ?? "no"} workers`, async () => {
      await using made = await loaded(net(), { workers });
      for (let time = 0; time < 2; time++) {
        const { accuracy, loss } = await made.test();
        expect(accuracy).to.be.closeTo(EXACT.accuracy, 1e-6);
        expect(loss).to.be.closeTo(EXACT.loss, 1e-5);
        await made.step(1);
      }
    });

  it("warns where a layer takes whole batches alone, so that some rows count twice", async () => {
    const whole = 'layer { name: "r" type: "Reshape" bottom: "x" top: "r" reshape_param { shape { dim: 4 dim: 2 } } }';
    const warnings: NetrunError[] = [];
    await using made = await loaded(net(whole, "r"), { onWarning: (warning) => warnings.push(warning) });
    expect(warnings.map(({ message }) => message)).to.deep.equal([
      "a test of all 11 rows scores 1 of them twice: its last batch of 4 is filled from the start",
    ]);
    expect((await made.test())["accuracy"]).not.to.be.closeTo(EXACT.accuracy, 1e-6);
  });
});
