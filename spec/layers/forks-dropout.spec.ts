import { expect } from "chai";
import { expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal, runText } from "../support/net.js";

describe("SpatialDropout", () => {
  const [n, c, h, w] = [8, 25, 3, 2];
  const x = noise(1, [n, c, h, w], 1, 2);
  const text = (param: string) =>
    `${inputLayer("x", n, c, h, w)} layer { name: "l" type: "SpatialDropout" bottom: "x" top: "y" ${param} }`;
  const param = (more = "") => `spatial_dropout_param { dropout_ratio: 0.2 ${more} }`;

  for (const [phase, more] of [
    ["TRAIN", ""],
    ["TEST", "sample_weights_test: true"],
  ] as const)
    it(`drops whole planes in ${phase}${more && ` with ${more}`}, and their gradients`, async () => {
      const seeds = { y: noise(2, [n, c, h, w], 1, 2) };
      const { blobs, gradients } = await runText(text(param(more)), { x }, { phase, seeds });
      let dropped = 0;
      for (let plane = 0; plane < n * c; plane++) {
        const isDropped = blobs["y"]!.data[plane * h * w] === 0;
        if (isDropped) dropped++;
        for (let i = plane * h * w; i < (plane + 1) * h * w; i++) {
          const scale = isDropped ? 0 : 1 / 0.8;
          expect(blobs["y"]!.data[i]).to.be.closeTo(x.data[i]! * scale, 1e-5);
          expect(gradients["x"]!.data[i]).to.be.closeTo(seeds.y.data[i]! * scale, 1e-5);
        }
      }
      expect(dropped / n / c).to.be.within(0.1, 0.3);
    });

  it("passes its bottom on in TEST, and in a converted file", async () => {
    const [y] = await run(`type: "SpatialDropout"`, [x]);
    expectClose(y, [n, c, h, w], x.data);
    expect(refusal(text("spatial_dropout_param { dropout_ratio: 1 }"))).to.contain("dropout_ratio 1 is not in [0, 1)");
  });
});
