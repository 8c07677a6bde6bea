import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("LRN", () => {
  it("refuses an even local_size", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 4, 2, 2)}layer { name: "l" type: "LRN" bottom: "x" top: "y" lrn_param { local_size: 4 } }`,
      ),
    ).to.equal('net:2:76: layer "l": local_size 4 is not odd');
  });

  it("refuses a blob that does not have 4 axes", () => {
    expect(refusal(`${inputLayer("x", 1, 4, 2)}layer { name: "l" type: "LRN" bottom: "x" top: "y" }`)).to.equal(
      'net:2:39: layer "l": bottom "x" [1,4,2] does not have 4 axes',
    );
  });

  it("takes 1 for k within channels, whatever is given", async () => {
    const text = `${inputLayer("x", 1, 1, 1, 1)}layer { name: "l" type: "LRN" bottom: "x" top: "y" lrn_param { norm_region: WITHIN_CHANNEL local_size: 1 alpha: 3 beta: 0.5 k: 8 } }`;
    const { blobs } = await runText(text, { x: tensor([1], [1, 1, 1, 1]) });
    expect([...blobs["y"]!.data]).to.deep.equal([0.5]);
  });
});
