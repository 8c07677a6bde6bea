import { expect } from "chai";
import { averagePrecision, meanPrecision } from "../../lib/run/average-precision.js";

/** Detections by falling score: hits and misses. */
const ranked = (marks: string) => [...marks].map((mark, i) => ({ score: 1 - i / 10, hit: mark === "+" }));

describe("average precision", () => {
  // Precisions after each: 1, 1/2, 2/3, 1/2, 3/5; recalls of 4 boxes: 1/4, 1/4, 1/2, 1/2, 3/4.
  const detections = ranked("+-+-+");

  it("is the mean over eleven recalls as VOC 2007 has it", () => {
    // Recalls 0 to 0.2 see 1, 0.3 to 0.5 see 2/3, 0.6 and 0.7 see 3/5, beyond there is none.
    expect(averagePrecision(detections, 4, "11point")).to.be.closeTo((3 * 1 + 3 * (2 / 3) + 2 * 0.6) / 11, 1e-12);
  });

  it("is the area under the greatest precisions, or under the precisions as they are", () => {
    expect(averagePrecision(detections, 4, "MaxIntegral")).to.be.closeTo((1 + 2 / 3 + 0.6) / 4, 1e-12);
    const late = ranked("-+-++");
    expect(averagePrecision(late, 3, "MaxIntegral")).to.be.closeTo((0.6 + 0.6 + 0.6) / 3, 1e-12);
    expect(averagePrecision(late, 3, "Integral")).to.be.closeTo((1 / 2 + 2 / 4 + 3 / 5) / 3, 1e-12);
  });

  it("orders detections by score, and has 0 where nothing is found or nothing is there", () => {
    expect(averagePrecision([...detections].reverse(), 4, "Integral")).to.equal(
      averagePrecision(detections, 4, "Integral"),
    );
    expect(averagePrecision([], 4, "11point")).to.equal(0);
    expect(averagePrecision(detections, 0, "11point")).to.equal(0);
  });

  it("adds boxes of all batches, skips ignored rows, and is the mean over classes", () => {
    const rows = [
      [-1, 1, 1, -1, -1],
      [-1, 2, 0, -1, -1],
      [0, 1, 0.9, 1, 0],
      [0, 1, 0.95, 0, 0],
      [-1, -1, -1, 0, 0],
      [-1, 1, 1, -1, -1],
      [-1, 2, 0, -1, -1],
      [1, 1, 0.8, 0, 1],
    ];
    const { mean, classes } = meanPrecision(Float32Array.from(rows.flat()), "Integral");
    expect(classes).to.deep.equal({ 1: 0.5, 2: 0 });
    expect(mean).to.equal(0.25);
  });
});
