import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { refusal, tensor } from "../support/net.js";

describe("MemoryData", () => {
  it("refuses a shape with a hole", () => {
    expect(
      refusal(
        `layer { name: "l" type: "MemoryData" top: "a" top: "b" memory_data_param { batch_size: 2 channels: 1 width: 3 } }`,
      ),
    ).to.equal('net:1:56: layer "l": height must be given and greater than 0');
  });

  it("has the axes that dim says, as BVLC's opencl branch has it", async () => {
    const text = (dims: string) =>
      `layer { name: "l" type: "MemoryData" top: "x" top: "y" memory_data_param { ${dims} } }
       layer { name: "s" type: "Silence" bottom: "y" } layer { name: "p" type: "Power" bottom: "x" top: "z" power_param { scale: 2 } }`;
    await using net = await Net.load(text("dim: 2 dim: 1 dim: 1 dim: 1 dim: 2"), { phase: "TEST" });
    const shape = [2, 1, 1, 1, 2];
    const { z } = await net.forward({ x: tensor([1, 2, 3, 4], shape), y: tensor([0, 1]) });
    expect([z!.shape, [...z!.data]]).to.deep.equal([shape, [2, 4, 6, 8]]);
    expect(refusal(text("dim: 2 dim: 0"))).to.equal('net:1:81: layer "l": dim must be given and greater than 0');
  });
});
