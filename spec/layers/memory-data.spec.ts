import { expect } from "chai";
import { refusal } from "../support/net.js";

describe("MemoryData", () => {
  it("refuses a shape with a hole", () => {
    expect(
      refusal(
        `layer { name: "l" type: "MemoryData" top: "a" top: "b" memory_data_param { batch_size: 2 channels: 1 width: 3 } }`,
      ),
    ).to.equal('net:1:56: layer "l": height must be given and greater than 0');
  });
});
