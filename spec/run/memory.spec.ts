import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { NetrunError } from "../../lib/error.js";
import { lower } from "../../lib/net/lower.js";
import { checkForwardMemory, surplusNets } from "../../lib/run/memory.js";
import { inputLayer } from "../support/net.js";

describe("memory that a net takes", () => {
  it("is more than its parameters and its largest blob, at whose layer it is refused before anything is allocated", () => {
    const net = loadNet(`${inputLayer("data", 1, 10)}
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 100 } }`).message;
    const lowered = lower(net.layer, { phase: "TEST" });
    // 10 x 100 weights, 100 biases, 100 outputs.
    expect(() => checkForwardMemory(lowered, net.layer, 4 * 1200)).to.not.throw();
    expect(() => checkForwardMemory(lowered, net.layer, 4 * 1200 - 1)).to.throw(NetrunError);
    expect(() => checkForwardMemory(lowered, net.layer, 4 * 600))
      .to.throw("the net takes at least 4.7 KiB, and there are 2.3 KiB of memory")
      .that.satisfies((error: NetrunError) => error.format().includes(`name: "ip" type: "InnerProduct"`));
  });

  it("of compiled nets is bounded: those that ran longest ago are closed, the newest stays", () => {
    const limit = 160;
    expect(surplusNets([1, 1, 1], 16, limit)).to.equal(0);
    expect(surplusNets([1, 1, 1], 2, limit)).to.equal(1);
    // A sixteenth of the limit is 10.
    expect(surplusNets([4, 4, 4], 16, limit)).to.equal(1);
    expect(surplusNets([2, 20, 4, 4], 16, limit)).to.equal(2);
    expect(surplusNets([4, 100], 16, limit)).to.equal(1);
    expect(surplusNets([100], 16, limit)).to.equal(0);
  });
});
