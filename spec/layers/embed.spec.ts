import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("Embed", () => {
  it("refuses to have no outputs", () => {
    expect(
      refusal(
        `${inputLayer("x", 3)}layer { name: "l" type: "Embed" bottom: "x" top: "y" embed_param { input_dim: 4 } }`,
      ),
    ).to.equal('net:2:54: layer "l": num_output must be greater than 0');
  });

  it("refuses to have no inputs", () => {
    expect(
      refusal(
        `${inputLayer("x", 3)}layer { name: "l" type: "Embed" bottom: "x" top: "y" embed_param { num_output: 4 } }`,
      ),
    ).to.equal('net:2:54: layer "l": input_dim must be greater than 0');
  });

  it("adds up the gradients of a row that is looked up twice", async () => {
    const text = `${inputLayer("x", 3)}layer { name: "l" type: "Embed" bottom: "x" top: "y" embed_param { input_dim: 3 num_output: 2 } }`;
    const params = { "l/0": [1, 2, 3, 4, 5, 6], "l/1": [10, 20] };
    const seeds = { y: tensor([1, 2, 3, 4, 5, 6], [3, 2]) };
    const { blobs, parameters } = await runText(text, { x: tensor([2, 0, 2]) }, { params, seeds });
    expect([...blobs["y"]!.data]).to.deep.equal([15, 26, 11, 22, 15, 26]);
    expect([...parameters["l/0"]!]).to.deep.equal([3, 4, 0, 0, 6, 8]);
    expect([...parameters["l/1"]!]).to.deep.equal([9, 12]);
  });
});
