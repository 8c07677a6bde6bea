import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("MVN", () => {
  it("refuses a blob of more than 4 axes", () => {
    expect(refusal(`${inputLayer("x", 1, 4, 2, 2, 2)}layer { name: "l" type: "MVN" bottom: "x" top: "y" }`)).to.equal(
      'net:2:39: layer "l": bottom "x" [1,4,2,2,2] has more than 4 axes',
    );
  });

  it("gives a blob of 4 axes, and a constant channel a gradient", async () => {
    const text = `${inputLayer("x", 1, 2)}layer { name: "l" type: "MVN" bottom: "x" top: "y" mvn_param { across_channels: true eps: 0.5 } }`;
    const { blobs, gradients } = await runText(
      text,
      { x: tensor([3, 3], [1, 2]) },
      { seeds: { y: tensor([1, 3], [1, 2, 1, 1]) } },
    );
    expect(blobs["y"]).to.deep.equal(tensor([0, 0], [1, 2, 1, 1]));
    expect([...gradients["x"]!.data]).to.deep.equal([-2, 2]);
  });
});
