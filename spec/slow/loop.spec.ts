import { expect } from "chai";
import { stepNets } from "../../bench/step/nets.js";
import { count } from "../../lib/graph/index.js";
import { noise } from "../../lib/run/noise.js";
import { Solver } from "../../lib/train/solver.js";
import { expectSame } from "../support/loop.js";

const ITERATIONS = 50;
const FIELDS = `base_lr: 0.01 lr_policy: "inv" gamma: 0.0001 power: 0.75 momentum: 0.9 weight_decay: 0.0005 max_iter: 1000 random_seed: 3 display: 20`;

/** A solver of a net of the step's benchmark, and a batch of noise whose labels are all classes. */
function ofBench(name: string) {
  const { prototxt, batch, image, classes } = stepNets.find((each) => each.name === name)!;
  const shape = [batch, ...image];
  return {
    text: `net_param { ${prototxt} } ${FIELDS}`,
    batch: {
      data: { shape, data: noise(count(shape), 5) },
      label: { shape: [batch], data: Float32Array.from({ length: batch }, (_, i) => i % classes) },
    },
  };
}

/** Batch statistics, dropout, recurrent state and shared weights. */
const RESTLESS = `net_param { name: "restless"
  layer { name: "data" type: "Data" top: "data" top: "label" transform_param { scale: 0.00390625 mirror: true crop_size: 24 }
    data_param { source: "netrun:digits/train" batch_size: 16 } }
  layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
    convolution_param { num_output: 6 kernel_size: 5 stride: 2 weight_filler { type: "xavier" } } }
  layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
  layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
  layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
  layer { name: "steps" type: "Reshape" bottom: "conv" top: "steps" reshape_param { shape { dim: 4 dim: 4 dim: -1 } } }
  layer { name: "cont" type: "DummyData" top: "cont" dummy_data_param { shape { dim: 4 dim: 4 } data_filler { type: "constant" value: 1 } } }
  layer { name: "lstm" type: "LSTM" bottom: "steps" bottom: "cont" top: "lstm" recurrent_param { num_output: 20 weight_filler { type: "xavier" } } }
  layer { name: "drop" type: "Dropout" bottom: "lstm" top: "lstm" }
  layer { name: "rows" type: "Reshape" bottom: "lstm" top: "rows" reshape_param { shape { dim: 16 dim: 20 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "rows" top: "ip" inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" } } ${FIELDS.replace("0.01", "0.2")}`;

describe("rounds as one loop over many iterations", function () {
  this.timeout(300_000);

  for (const portable of [false, true]) {
    const form = portable ? "the portable form" : "the CPU's form";
    it(`are LeNet's steps bit for bit over ${ITERATIONS} iterations, in ${form}`, async () => {
      const { text, batch } = ofBench("lenet");
      await expectSame(text, { iterations: ITERATIONS, rounds: 25, options: { portable }, batch });
    });

    it(`are those of CIFAR-10 quick, in ${form}`, async () => {
      const { text, batch } = ofBench("cifar");
      await expectSame(text, { iterations: ITERATIONS, rounds: 20, options: { portable }, batch });
    });

    it(`are those of a net with batch statistics, dropout and recurrent state, in ${form}`, async () => {
      const losses = await expectSame(RESTLESS, { iterations: ITERATIONS, rounds: 7, options: { portable } });
      expect(losses.at(-1)).to.be.below(losses[0]!);
    });
  }

  it("take no more memory from round to round", async () => {
    const { text, batch } = ofBench("lenet");
    await using solver = await Solver.load(text, { name: "solver", threads: 1, loop: true });
    const rounds = async (n: number) => {
      for (let i = 0; i < n; i++) await solver.run(10, batch);
      return process.memoryUsage().rss / 2 ** 20;
    };
    const before = await rounds(12);
    const after = await rounds(25);
    // A leak of the weights and history alone would be 3.4 MB a round each way.
    expect(after - before).to.be.below(40);
  });
});
