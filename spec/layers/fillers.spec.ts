import { expect } from "chai";
import { create } from "../../lib/caffe/message.js";
import { type FillerParameter, FillerParameter_VarianceNorm as Norm } from "../../lib/caffe/messages.js";
import { fill } from "../../lib/layers/fillers.js";
import { random } from "../../lib/random.js";
import { failure } from "../support/failure.js";

const values = (init: Parameters<typeof create<"FillerParameter">>[1], shape: readonly number[]) =>
  fill(create("FillerParameter", init) as FillerParameter, shape, random(1));

const mean = (x: Float32Array) => x.reduce((a, b) => a + b, 0) / x.length;
const deviation = (x: Float32Array) => Math.sqrt(mean(x.map((value) => (value - mean(x)) ** 2)));

describe("fillers", () => {
  it("constant fills with its value, 0 by default", () => {
    expect([...values({ value: 3 }, [2, 2])]).to.deep.equal([3, 3, 3, 3]);
    expect([...values({}, [2])]).to.deep.equal([0, 0]);
  });

  it("uniform stays in [min, max) and has their mean", () => {
    const x = values({ type: "uniform", min: -1, max: 3 }, [100, 100]);
    expect(Math.min(...x)).to.be.at.least(-1);
    expect(Math.max(...x)).to.be.below(3);
    // Five deviations of the mean of 10,000 such numbers.
    expect(mean(x)).to.be.closeTo(1, 0.06);
  });

  it("gaussian has its mean and deviation", () => {
    const x = values({ type: "gaussian", mean: 2, std: 0.5 }, [100, 100]);
    expect(mean(x)).to.be.closeTo(2, 0.025);
    expect(deviation(x)).to.be.closeTo(0.5, 0.018);
  });

  it("gaussian leaves about `sparse` of every shape[0] entries other than 0", () => {
    const x = values({ type: "gaussian", sparse: 10 }, [100, 200]);
    expect(x.filter((value) => value !== 0).length / x.length).to.be.closeTo(0.1, 0.011);
  });

  it("xavier is uniform in +-sqrt(3 / n), n the fan-in, fan-out or their mean", () => {
    const shape = [20, 5, 2, 2];
    const bound = (norm: (typeof Norm)[keyof typeof Norm]) =>
      Math.max(...values({ type: "xavier", variance_norm: norm }, shape).map(Math.abs));
    expect(bound(Norm.FAN_IN)).to.be.within(0.95 * Math.sqrt(3 / 20), Math.sqrt(3 / 20));
    expect(bound(Norm.FAN_OUT)).to.be.within(0.95 * Math.sqrt(3 / 80), Math.sqrt(3 / 80));
    expect(bound(Norm.AVERAGE)).to.be.within(0.95 * Math.sqrt(3 / 50), Math.sqrt(3 / 50));
  });

  it("msra is gaussian of deviation sqrt(2 / n)", () => {
    expect(deviation(values({ type: "msra" }, [100, 50]))).to.be.closeTo(Math.sqrt(2 / 50), 0.01);
    expect(deviation(values({ type: "msra", alpha: 2 }, [100, 50]))).to.be.closeTo(Math.sqrt(2 / 50 / 5), 0.005);
  });

  it("positive_unitball makes each of the shape[0] parts sum to 1", () => {
    const x = values({ type: "positive_unitball" }, [3, 4]);
    for (const part of [0, 4, 8]) {
      expect(x.subarray(part, part + 4).reduce((a, b) => a + b, 0)).to.be.closeTo(1, 1e-6);
    }
    expect(Math.min(...x)).to.be.at.least(0);
  });

  it("bilinear is the kernel of interpolation, and wants square planes", async () => {
    const row = [0.25, 0.75, 0.75, 0.25];
    expect([...values({ type: "bilinear" }, [1, 1, 4, 4])]).to.deep.equal(row.flatMap((a) => row.map((b) => a * b)));
    const oblong = async () => values({ type: "bilinear" }, [1, 1, 4, 3]);
    await failure(oblong(), "the bilinear filler fills [n, c, k, k], not [1,1,4,3]");
  });

  it("suggests the filler that was meant", async () => {
    const misspelt = async () => values({ type: "xaver" }, [1]);
    await failure(misspelt(), 'unknown filler "xaver"\nnote: did you mean "xavier"?');
  });
});
