import { join } from "node:path";
import { expect } from "chai";
import { Solver } from "../../lib/index.js";
import { root } from "../support/shared.js";

describe("the small SSD of models/", () => {
  it("reaches a mean average precision of 0.8 on shapes that it was not trained on", async () => {
    await using solver = await Solver.load(join(root, "models/shapes-ssd/solver.prototxt"));
    await solver.step(600);
    const { detection_eval } = await solver.test();
    expect(detection_eval).to.be.greaterThan(0.8);
  });
});
