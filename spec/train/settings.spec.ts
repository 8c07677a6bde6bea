import { expect } from "chai";
import { Solver } from "../../lib/train/solver.js";
import { failure } from "../support/failure.js";

const NET = `net_param {
  layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 } }
  layer { name: "loss" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 }
}`;
const load = (fields: string) => Solver.load(`base_lr: 0.1 lr_policy: "fixed" ${fields} ${NET}`);

describe("settings that Caffe's solvers refuse", () => {
  for (const [fields, message] of [
    ['type: "AdaGrad" momentum: 0.9', "AdaGrad has no momentum"],
    ['type: "RMSProp" momentum: 0.9', "RMSProp has no momentum"],
    ['type: "RMSProp" rms_decay: 1', "rms_decay is 1; it must be 0 or more and below 1"],
    ['type: "adam"', 'did you mean "Adam"?'],
    ["iter_size: 0", "iter_size must be at least 1"],
    ["average_loss: 0", "average_loss is at least 1"],
    ['regularization_type: "L3"', 'unknown regularization_type "L3"'],
  ] as const) {
    it(fields, () => failure(load(fields), message));
  }

  it("old names of solver types are read as today's", async () => {
    await using solver = await load("solver_type: ADAGRAD");
    expect(solver.parameter.type).to.equal("AdaGrad");
  });

  for (const [fields, squares, absolutes] of [
    ["weight_decay: 0.5", 0.5, 0],
    ['weight_decay: 0.5 regularization_type: "L1"', 0, 0.5],
    ["l1_decay: 0.25", 0, 0.25],
    ["weight_decay: 0.5 l1_decay: 0.25", 0.5, 0.25],
    ['weight_decay: 0.5 l1_decay: 0.25 regularization_type: "L1"', 0, 0.75],
  ] as const) {
    it(`weights decay by squares and absolute values: ${fields}`, async () => {
      const text = `base_lr: 0.1 lr_policy: "fixed" ${fields} ${NET}`;
      const decayed = text.replace("inner_product_param", "param { decay_mult: 2 } inner_product_param");
      await using solver = await Solver.load(decayed);
      const [weights] = solver.net.params.get("ip")!;
      weights!.data.set([0.5, -0.25]);
      await solver.step(1, { x: { shape: [1, 2], data: Float32Array.of(1, 3) } });
      const stepped = (w: number, g: number) => w - 0.1 * (g + 2 * (squares * w + absolutes * Math.sign(w)));
      const expected = [stepped(0.5, 1), stepped(-0.25, 3)];
      weights!.data.forEach((value, i) => {
        expect(value).to.be.closeTo(expected[i]!, 1e-6);
      });
    });
  }

  it("solver_mode, device_id and layer_wise_reduce are taken as they are", async () => {
    await using solver = await load("solver_mode: GPU device_id: 1 layer_wise_reduce: false");
    const x = { shape: [1, 2], data: Float32Array.of(1, 1) };
    expect(await solver.step(1, { x })).to.deep.equal([0]);
  });
});
