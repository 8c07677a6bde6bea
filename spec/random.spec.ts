import { expect } from "chai";
import { random } from "../lib/random.js";

const draw = (n: number, ...keys: [number, ...number[]]) => {
  const source = random(...keys);
  return Array.from({ length: n }, () => source.uniform());
};

describe("random", () => {
  it("draws the same numbers for the same keys, others for others", () => {
    expect(draw(5, 1, 2)).to.deep.equal(draw(5, 1, 2));
    expect(draw(5, 1, 2)).not.to.deep.equal(draw(5, 2, 1));
    expect(draw(5, 1, 2)).not.to.deep.equal(draw(5, 1, 2 ** 32 + 2));
  });

  it("keeps its numbers from version to version: snapshots depend on them", () => {
    expect(draw(3, 1)).to.deep.equal([0.6592566967010498, 0.9079570174217224, 0.8235152363777161]);
  });

  it("is uniform over [0, 1), the streams of neighbouring keys too", () => {
    const first = Array.from({ length: 10_000 }, (_, key) => random(1, key).uniform());
    for (const numbers of [draw(10_000, 7), first]) {
      const counts = new Array<number>(10).fill(0);
      for (const x of numbers) counts[Math.floor(x * 10)]!++;
      // Five deviations of a count that is 1,000 on average.
      for (const n of counts) expect(n).to.be.within(850, 1150);
    }
  });

  it("fills arrays with the numbers that single draws give, whatever was drawn before", () => {
    const [one, many] = [random(4, 5), random(4, 5)];
    for (const length of [3, 0, 2, 1, 5, 1000]) {
      const normals = new Float32Array(length);
      many.fillNormal(normals, 2, 0.5);
      expect([...normals]).to.deep.equal(Array.from({ length }, () => Math.fround(2 + 0.5 * one.normal())));
      const uniforms = new Float32Array(length);
      many.fill(uniforms);
      expect([...uniforms]).to.deep.equal(Array.from({ length }, () => one.uniform()));
    }
  });

  it("gives integers below n and normal numbers of mean 0 and deviation 1", () => {
    const source = random(3);
    const integers = new Set(Array.from({ length: 200 }, () => source.integer(5)));
    expect([...integers].sort()).to.deep.equal([0, 1, 2, 3, 4]);
    const normals = Array.from({ length: 10_000 }, () => source.normal());
    const mean = normals.reduce((a, b) => a + b) / normals.length;
    expect(mean).to.be.closeTo(0, 0.05);
    expect(normals.reduce((a, b) => a + (b - mean) ** 2, 0) / normals.length).to.be.closeTo(1, 0.08);
  });
});
