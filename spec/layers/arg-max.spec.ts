import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("ArgMax", () => {
  it("refuses a top_k of 0", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "ArgMax" bottom: "x" top: "y" argmax_param { top_k: 0 } }`,
      ),
    ).to.equal('net:2:77: layer "l": top_k 0 must be at least 1');
  });

  it("refuses a top_k beyond the axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}layer { name: "l" type: "ArgMax" bottom: "x" top: "y" argmax_param { axis: 1 top_k: 4 } }`,
      ),
    ).to.equal('net:2:85: layer "l": top_k 4 is more than the 3 values of axis 1 of [2,3,4]');
  });

  it("refuses a top_k beyond an item", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "ArgMax" bottom: "x" top: "y" argmax_param { top_k: 4 } }`,
      ),
    ).to.equal('net:2:77: layer "l": top_k 4 is more than the 3 values of each item of [2,3]');
  });

  it("refuses an axis that the bottom does not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "ArgMax" bottom: "x" top: "y" argmax_param { axis: 2 } }`,
      ),
    ).to.equal(
      ['net:2:76: layer "l": axis 2 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join(
        "\n",
      ),
    );
  });

  it("refuses a scalar", () => {
    expect(refusal(`${inputLayer("x")}layer { name: "l" type: "ArgMax" bottom: "x" top: "y"  }`)).to.equal(
      'net:2:42: layer "l": ArgMax takes a blob of at least 1 axis',
    );
  });

  it("puts the last of equal values first, as Caffe sorts", async () => {
    const text = `${inputLayer("x", 1, 4)}layer { name: "l" type: "ArgMax" bottom: "x" top: "y" argmax_param { top_k: 3 out_max_val: true } }`;
    const { blobs } = await runText(text, { x: tensor([5, 7, 5, 7], [1, 4]) });
    expect(blobs["y"]!.shape).to.deep.equal([1, 2, 3]);
    expect([...blobs["y"]!.data]).to.deep.equal([3, 1, 2, 7, 7, 5]);
  });
});
