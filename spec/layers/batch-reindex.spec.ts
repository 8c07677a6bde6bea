import { expect } from "chai";
import { NetrunError } from "../../lib/error.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("BatchReindex", () => {
  it("refuses indices of more than one axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 3, 2)}${inputLayer("i", 2, 1)}layer { name: "l" type: "BatchReindex" bottom: "x" bottom: "i" top: "y"  }`,
      ),
    ).to.equal('net:3:60: layer "l": the indices are a blob of 1 axis, not [2,1]');
  });

  const text = `${inputLayer("x", 3, 1)}${inputLayer("i", 2)}layer { name: "l" type: "BatchReindex" bottom: "x" bottom: "i" top: "y" }`;

  for (const index of [-1, 3]) {
    it(`refuses the index ${index} when it runs`, async () => {
      const error = await runText(text, { x: tensor([1, 2, 3], [3, 1]), i: tensor([0, index]) }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).to.be.instanceOf(NetrunError);
      expect((error as NetrunError).message).to.equal(`layer "l": index ${index} in its data is not in [0, 2]`);
    });
  }
});
