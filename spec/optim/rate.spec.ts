import { expect } from "chai";
import { create } from "../../lib/caffe/message.js";
import type { Init, SolverParameter } from "../../lib/caffe/messages.js";
import { NetrunError } from "../../lib/error.js";
import { LearningRate } from "../../lib/optim/rate.js";

const rateOf = (fields: Init<SolverParameter>, warmUp?: number) =>
  new LearningRate(create("SolverParameter", { base_lr: 1, ...fields }), warmUp);
const rates = (rate: LearningRate, n: number) =>
  Array.from({ length: n }, (_, i) => Number(rate.rate(i).toPrecision(6)));

describe("learning rate policies", () => {
  it("multistep takes effect at its values, one step an iteration, as Caffe looks at them", () => {
    const rate = rateOf({ lr_policy: "multistep", gamma: 0.5, stepvalue: [2, 2, 4] });
    expect(rates(rate, 6)).to.deep.equal([1, 1, 0.5, 0.25, 0.125, 0.125]);
  });

  it("multistep continues from a snapshot's step, even if its values have changed", () => {
    const rate = rateOf({ lr_policy: "multistep", gamma: 0.5, stepvalue: [2, 4] });
    rate.restore(4, { step: 0 });
    expect([4, 5, 6].map((i) => rate.rate(i))).to.deep.equal([0.5, 0.25, 0.25]);
  });

  it("a snapshot's step is what the last update saw", () => {
    const rate = rateOf({ lr_policy: "multistep", gamma: 0.5, stepvalue: [2] });
    expect(rate.stateAt(1).step).to.equal(0);
    expect(rate.stateAt(2).step).to.equal(1);
  });

  it("poly ends at 0 with max_iter", () => {
    const rate = rateOf({ lr_policy: "poly", power: 2, max_iter: 4 });
    expect(rates(rate, 5)).to.deep.equal([1, 0.5625, 0.25, 0.0625, 0]);
  });

  it("plateau falls when the smoothed loss has found no new minimum for stepsize iterations", () => {
    const rate = rateOf({ lr_policy: "plateau", gamma: 0.5, stepsize: 2 });
    const seen = [3, 2, 2.5, 2.5, 2.5, 1, 2, 2].map((loss, i) => {
      const now = rate.rate(i);
      rate.observe(i, loss);
      return now;
    });
    expect(seen).to.deep.equal([1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5]);
    expect(rate.rate(8)).to.equal(0.25);
  });

  it("a warm-up rises to the policy's rate", () => {
    expect(rates(rateOf({ lr_policy: "fixed" }, 4), 6)).to.deep.equal([0.25, 0.5, 0.75, 1, 1, 1]);
  });

  it("refuses what Caffe refuses: a negative gamma, a stepsize of 0", async () => {
    const making = (fields: Init<SolverParameter>) => () => rateOf(fields);
    expect(making({ lr_policy: "exp", gamma: -1 })).to.throw(NetrunError, "gamma must not be negative");
    expect(making({ lr_policy: "step", gamma: 1, stepsize: 0 })).to.throw("stepsize must be greater than 0");
    expect(making({ lr_policy: "stepp" })).to.throw('unknown lr_policy "stepp"');
  });
});
