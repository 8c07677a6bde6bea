import { expect } from "chai";
import { updateRules } from "../../lib/optim/rules.js";
import { expectSame } from "../support/loop.js";

const DATA = `layer { name: "data" type: "Data" top: "data" top: "label" transform_param { scale: 0.00390625 }
  data_param { source: "netrun:digits/train" batch_size: 8 } }`;

const solver = (layers: string, fields = ""): string =>
  `net_param { name: "net" ${DATA} ${layers} } base_lr: 0.05 lr_policy: "inv" gamma: 0.1 power: 0.7 momentum: 0.9
   weight_decay: 0.001 max_iter: 100 random_seed: 3 display: 3 ${fields}`;

const ip = (name: string, bottom: string, outputs: number, fields = ""): string =>
  `layer { name: "${name}" type: "InnerProduct" bottom: "${bottom}" top: "${name}" ${fields}
   inner_product_param { num_output: ${outputs} weight_filler { type: "xavier" } } }`;
const LOSS = (bottom: string) =>
  `layer { name: "loss" type: "SoftmaxWithLoss" bottom: "${bottom}" bottom: "label" top: "loss" }`;
const CONV = `layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  convolution_param { num_output: 4 kernel_size: 5 stride: 3 weight_filler { type: "xavier" } } }`;

const SMALL = solver(
  `${ip("ip1", "data", 12)} layer { name: "relu" type: "ReLU" bottom: "ip1" top: "ip1" } ${ip("ip2", "ip1", 10)} ${LOSS("ip2")}`,
);

describe("a round as one loop", () => {
  it("gives the bits of the step of two models: convolution, pooling with ties, batch statistics, dropout", () =>
    expectSame(
      solver(
        `${CONV} layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
         layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
         layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
         layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
         layer { name: "drop" type: "Dropout" bottom: "pool" top: "pool" } ${ip("ip", "pool", 10)} ${LOSS("ip")}`,
      ),
      { iterations: 11, rounds: 4 },
    ).then(() => {}));

  it("keeps recurrent state from iteration to iteration", () =>
    expectSame(
      solver(
        `layer { name: "steps" type: "Reshape" bottom: "data" top: "steps" reshape_param { shape { dim: 4 dim: 2 dim: -1 } } }
         layer { name: "cont" type: "DummyData" top: "cont" dummy_data_param { shape { dim: 4 dim: 2 } data_filler { type: "constant" value: 1 } } }
         layer { name: "lstm" type: "LSTM" bottom: "steps" bottom: "cont" top: "lstm" recurrent_param { num_output: 5 weight_filler { type: "xavier" } } }
         layer { name: "flat" type: "Reshape" bottom: "lstm" top: "flat" reshape_param { shape { dim: 8 dim: 5 } } } ${ip("ip", "flat", 10)} ${LOSS("ip")}`,
      ),
      { iterations: 7, rounds: 7 },
    ).then(() => {}));

  it("does every update rule, with either regularization and with both", async () => {
    await expectSame(`${SMALL} l1_decay: 0.02`, { iterations: 5 });
    for (const rule of Object.keys(updateRules)) {
      const momentum = rule === "AdaGrad" || rule === "RMSProp" ? "momentum: 0" : "";
      await expectSame(
        `${SMALL} type: "${rule}" ${momentum} regularization_type: "L1"`.replace(momentum ? "momentum: 0.9" : "\0", ""),
        {
          iterations: 5,
        },
      );
    }
  });

  it("sums the gradients of iter_size batches", () =>
    expectSame(`${SMALL} iter_size: 3`, { iterations: 6, rounds: 4 }).then(() => {}));

  it("shares weights and does not change those of lr_mult 0", () =>
    expectSame(
      solver(
        `${ip("a", "data", 10, 'param { name: "w" } param { lr_mult: 0 }')} ${ip("b", "data", 10, 'param { name: "w" } param { name: "bias" }')}
         layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum" } ${LOSS("sum")}`,
      ),
      { iterations: 5 },
    ).then(() => {}));

  it("is the same in the portable form", () =>
    expectSame(SMALL, { iterations: 5, options: { portable: true } }).then(() => {}));

  it("stops at the iteration and with the words of the step of two models", async () => {
    const losses = await expectSame(SMALL.replace("base_lr: 0.05", "base_lr: 1e12"), { iterations: 8 });
    expect(losses.length).to.be.within(1, 7);
  });
});
