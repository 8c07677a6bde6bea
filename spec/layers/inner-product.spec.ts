import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("InnerProduct", () => {
  it("refuses a num_output of 0", () => {
    expect(refusal(`${inputLayer("x", 2, 3)}layer { name: "l" type: "InnerProduct" bottom: "x" top: "y" }`)).to.equal(
      'net:2:1: layer "l": num_output must be greater than 0',
    );
  });

  it("refuses an axis that the bottom does not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 axis: 2 } }`,
      ),
    ).to.equal(
      ['net:2:103: layer "l": axis 2 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join(
        "\n",
      ),
    );
  });
});
