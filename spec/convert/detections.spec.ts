import { expect } from "chai";
import { matchDetections } from "../../lib/convert/detections.js";
import { Differences } from "../../lib/convert/difference.js";

const FIRST = [0, 1, 0.75, 0.125, 0.125, 0.5, 0.5];
const SECOND = [0, 1, 0.5, 0.25, 0.25, 1, 1];
const OTHER = [0, 2, 0.5, 0.25, 0.25, 1, 1];
const rows = (...all: readonly (readonly number[])[]) => ({
  shape: [1, 1, all.length, 7],
  data: Float32Array.from(all.flat()),
});

describe("detections in less than single precision", () => {
  it("are matched whatever their order", () => {
    const { actual, expected, unmatched } = matchDetections(rows(SECOND, FIRST), rows(FIRST, SECOND));
    expect([...actual.data]).to.deep.equal([...expected.data]);
    expect(unmatched).to.equal(0);
  });

  it("are unmatched if the label differs or the box is far", () => {
    const far = SECOND.map((value, i) => (i === 6 ? value - 0.25 : value));
    expect(matchDetections(rows(FIRST, OTHER), rows(FIRST, SECOND)).unmatched).to.equal(2);
    expect(matchDetections(rows(FIRST, far), rows(FIRST, SECOND)).unmatched).to.equal(2);
    expect(matchDetections(rows(FIRST), rows(FIRST, SECOND)).unmatched).to.equal(1);
  });

  it("are wrong if more than a tenth of them are unmatched", () => {
    const differences = new Differences("out");
    differences.addDetections(rows(FIRST), rows(FIRST, SECOND));
    const result = differences.result({ absolute: 1e-2, relative: 2e-2 });
    expect(result).to.deep.include({ absolute: 0, within: false, detections: { rows: 2, unmatched: 1 } });
  });
});
