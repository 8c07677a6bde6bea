import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("LSTM", () => {
  it("refuses an input without features", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 2, 3)}layer { name: "l" type: "LSTM" bottom: "x" bottom: "t" top: "y" recurrent_param { num_output: 2 } }`,
      ),
    ).to.equal('net:3:40: layer "l": bottom "x" [2,3] is not [timesteps, streams, ...features]');
  });

  it("refuses flags that are not one for each step and stream", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 3, 2)}layer { name: "l" type: "LSTM" bottom: "x" bottom: "t" top: "y" recurrent_param { num_output: 2 } }`,
      ),
    ).to.equal('net:3:52: layer "l": bottom "t" [3,2], the continuation flags, is not [2,3] as bottom "x" [2,3,4]');
  });

  it("refuses a num_output of 0", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3)}layer { name: "l" type: "LSTM" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal('net:3:1: layer "l": num_output must be greater than 0');
  });

  it("refuses a static input of another number of streams", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3)}${inputLayer("s", 2, 5)}layer { name: "l" type: "LSTM" bottom: "x" bottom: "t" bottom: "s" top: "y" recurrent_param { num_output: 2 } }`,
      ),
    ).to.equal('net:4:64: layer "l": bottom "s" [2,5], a static input, is not [3, ...features]');
  });

  it("refuses hidden states without expose_hidden", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3)}${inputLayer("h", 1, 3, 2)}${inputLayer("c", 1, 3, 2)}layer { name: "l" type: "LSTM" bottom: "x" bottom: "t" bottom: "h" bottom: "c" top: "y" recurrent_param { num_output: 2 } }`,
      ),
    ).to.equal(
      [
        'net:5:40: layer "l": 2 bottoms, or 3 with a static input, are needed, not 4',
        "note: hidden states are bottoms and tops with expose_hidden: true",
      ].join("\n"),
    );
  });

  it("refuses hidden states of another shape", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3)}${inputLayer("h", 1, 3, 2)}${inputLayer("c", 1, 3, 3)}layer { name: "l" type: "LSTM" bottom: "x" bottom: "t" bottom: "h" bottom: "c" top: "y" top: "hT" top: "cT" recurrent_param { num_output: 2 expose_hidden: true } }`,
      ),
    ).to.equal('net:5:76: layer "l": bottom "c" [1,3,3], a hidden state, is not [1,3,2]');
  });

  it("refuses to expose hidden states without tops for them", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3)}${inputLayer("h", 1, 3, 2)}${inputLayer("c", 1, 3, 2)}layer { name: "l" type: "LSTM" bottom: "x" bottom: "t" bottom: "h" bottom: "c" top: "y" recurrent_param { num_output: 2 expose_hidden: true } }`,
      ),
    ).to.equal(
      [
        'net:5:85: layer "l": 3 tops are needed, not 1',
        "note: with expose_hidden the first hidden states are the last bottoms, and the last hidden states the last tops",
      ].join("\n"),
    );
  });
});
