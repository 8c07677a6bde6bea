import { expect } from "chai";
import { hasWatched, spreadOf } from "../../lib/engine/averaging/spread.js";
import { PIECE, vectorOf } from "../../lib/engine/vector.js";

describe("the spread of replicas", () => {
  it("is the root mean square distance from their mean", () => {
    const vectors = [
      [1, 2, 3],
      [3, 2, 1],
    ].map((values) => vectorOf(Float32Array.from(values)));
    expect(spreadOf(vectors)).to.be.closeTo(Math.sqrt(4 / 6), 1e-12);
    expect(spreadOf(vectors.slice(1))).to.equal(0);
  });

  it("is that of evenly spread pieces of many parameters", () => {
    const length = 100 * PIECE + 5;
    const [low, high] = [-1, 1].map((value) => vectorOf(new Float32Array(length).fill(value)));
    expect(spreadOf([low!, high!])).to.equal(1);
  });

  it("is asked for in rounds that have an iteration with statistics", () => {
    const rounds = [0, 4, 8, 12, 16].map((iteration) => ({
      iteration,
      rates: [1, 1, 1, 1],
      display: 0,
      statistics: 10,
    }));
    expect(rounds.map(hasWatched)).to.deep.equal([true, false, true, false, false]);
    expect(hasWatched({ ...rounds[0]!, statistics: 0 })).to.equal(false);
  });
});
