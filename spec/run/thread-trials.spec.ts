import { expect } from "chai";
import { choose } from "../../lib/run/thread-trials.js";

describe("trials of threads", () => {
  it("try fewer threads as long as these are faster", async () => {
    const { threads, tried } = await choose(8, async (each = 8) => 0.3 * each + 0.8 / each);
    expect(tried.map((each) => each.threads)).to.deep.equal([undefined, 4, 2, 1]);
    expect(threads).to.equal(2);
  });

  it("keep onnxruntime's choice where fewer threads gain little", async () => {
    const found = await choose(2, async (each) => (each === 1 ? 0.8 : 1));
    expect(found.threads).to.equal(undefined);
    expect(found.tried.map(({ passMs }) => passMs)).to.deep.equal([1, 0.8]);
  });

  it("stop at the first number of threads that is slower", async () => {
    const { threads, tried } = await choose(64, async (each = 64) => Math.abs(each - 20));
    expect([threads, tried.length]).to.deep.equal([16, 4]);
  });
});
