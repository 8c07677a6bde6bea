import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("RNN", () => {
  it("refuses a cell state", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3)}${inputLayer("h", 1, 3, 2)}${inputLayer("c", 1, 3, 2)}${inputLayer("d", 1, 3, 2)}layer { name: "l" type: "RNN" bottom: "x" bottom: "t" bottom: "h" bottom: "c" bottom: "d" top: "y" top: "hT" recurrent_param { num_output: 2 expose_hidden: true } }`,
      ),
    ).to.equal('net:6:87: layer "l": RNN layers take 2 to 4 bottoms, not 5');
  });

  it("refuses hidden states of another shape", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3)}${inputLayer("h", 3, 2)}layer { name: "l" type: "RNN" bottom: "x" bottom: "t" bottom: "h" top: "y" top: "hT" recurrent_param { num_output: 2 expose_hidden: true } }`,
      ),
    ).to.equal('net:4:63: layer "l": bottom "h" [3,2], a hidden state, is not [1,3,2]');
  });
});
