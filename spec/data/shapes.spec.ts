import { createHash } from "node:crypto";
import { expect } from "chai";
import { unpackBoxes } from "../../lib/data/source/boxes.js";
import { bytesIn, columnsOf, type ImageColumn } from "../../lib/data/source/columns.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { openSource } from "../../lib/data/source/open.js";
import { drawShapes, SHAPES_SIZE } from "../../lib/data/source/shapes/draw.js";
import { WHOLE } from "../../lib/data/source/source.js";

describe("shapes", () => {
  it("are the same bytes and boxes on every machine", () => {
    const hash = createHash("sha256");
    for (let i = 0; i < 100; i++) {
      const { pixels, boxes } = drawShapes(2, i);
      hash.update(pixels).update(JSON.stringify(boxes));
    }
    expect(hash.digest("hex")).to.equal("1a5f0054515a67fcc653243c29b998df0fe79cdfa24c3671026947fd9f6dc3f6");
  });

  it("lie in their boxes, which they fill from edge to edge", () => {
    const labels = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const { boxes } = drawShapes(2, i);
      expect(boxes.length).to.be.within(1, 3);
      for (const { label, xmin, ymin, xmax, ymax } of boxes) {
        labels.add(label);
        for (const edge of [xmin, ymin, xmax, ymax]) expect(edge * SHAPES_SIZE).to.satisfy(Number.isInteger);
        expect(Math.min(xmin, ymin, 1 - xmax, 1 - ymax)).to.be.at.least(0);
        expect((xmax - xmin) * SHAPES_SIZE).to.be.within(13, 36);
      }
    }
    expect([...labels].sort()).to.deep.equal([1, 2, 3]);
  });

  it("are a source by name, whose held-out part continues where the other ends", async () => {
    const spec = detectSource("netrun:shapes/test");
    expect(spec).to.deep.equal({ kind: "shapes", part: "test" });
    await using source = await openSource(spec);
    expect(source.length).to.equal(500);
    for await (const batch of source.batches(WHOLE)) {
      const { data, boxes } = columnsOf(batch);
      const { pixels, boxes: drawn } = drawShapes(2, 4000);
      expect([...(data as { values: Uint8Array }).values.subarray(0, pixels.length)]).to.deep.equal([...pixels]);
      expect(unpackBoxes(bytesIn(boxes as ImageColumn, 0))).to.deep.equal(drawn);
      break;
    }
    expect(() => detectSource("netrun:shapes/tset")).to.throw("not an embedded data set");
  });
});
