import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("PReLU", () => {
  it("refuses a bottom without channels", () => {
    expect(refusal(`${inputLayer("x", 3)}layer { name: "l" type: "PReLU" bottom: "x" top: "y"  }`)).to.equal(
      'net:2:41: layer "l": PReLU takes a blob of at least 2 axes, not [3]',
    );
  });

  it("takes volumes, as V-Net has them: a slope for each channel", async () => {
    const text = `${inputLayer("x", 1, 2, 1, 1, 2)}layer { name: "l" type: "PReLU" bottom: "x" top: "y" }`;
    const x = tensor([-1, 2, -3, 4], [1, 2, 1, 1, 2]);
    const ran = await runText(text, { x }, { params: { "l/0": [0.5, 0.1] } });
    expect([...ran.blobs["y"]!.data]).to.deep.equal([...Float32Array.of(-0.5, 2, -0.3, 4)]);
  });

  it("has the slope's gradient at 0", async () => {
    const text = `${inputLayer("x", 1, 3)}layer { name: "l" type: "PReLU" bottom: "x" top: "y" prelu_param { channel_shared: true } }`;
    const shape = [1, 3];
    const ran = await runText(text, { x: tensor([-2, 0, 3], shape) }, { seeds: { y: tensor([1, 1, 1], shape) } });
    expect([...ran.blobs["y"]!.data]).to.deep.equal([-0.5, 0, 3]);
    expect([...ran.gradients["x"]!.data]).to.deep.equal([0.25, 0.25, 1]);
    expect([...ran.parameters["l/0"]!]).to.deep.equal([-2]);
  });
});
