import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("Eltwise", () => {
  it("refuses bottoms of different shapes", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("z", 3, 2)}layer { name: "l" type: "Eltwise" bottom: "x" bottom: "z" top: "y"  }`,
      ),
    ).to.equal('net:3:55: layer "l": [3,2] differs from [2,3] of the first bottom');
  });

  it("refuses a single bottom", () => {
    expect(refusal(`${inputLayer("x", 2, 3)}layer { name: "l" type: "Eltwise" bottom: "x" top: "y"  }`)).to.equal(
      'net:2:43: layer "l": Eltwise layers take at least 2 bottoms, not 1',
    );
  });

  it("refuses another number of coefficients than bottoms", () => {
    expect(
      refusal(
        `${inputLayer("x", 2)}${inputLayer("z", 2)}layer { name: "l" type: "Eltwise" bottom: "x" bottom: "z" top: "y" eltwise_param { coeff: 1 } }`,
      ),
    ).to.equal(['net:3:91: layer "l": 1 coeff for 2 bottoms', "note: give one for each bottom, or none"].join("\n"));
  });

  it("refuses coefficients in a product", () => {
    expect(
      refusal(
        `${inputLayer("x", 2)}${inputLayer("z", 2)}layer { name: "l" type: "Eltwise" bottom: "x" bottom: "z" top: "y" eltwise_param { operation: PROD coeff: 1 coeff: 2 } }`,
      ),
    ).to.equal('net:3:107: layer "l": coeff is for sums only');
  });

  const three = (param: string) =>
    `${inputLayer("a", 3)}${inputLayer("b", 3)}${inputLayer("c", 3)}layer { name: "l" type: "Eltwise" bottom: "a" bottom: "b" bottom: "c" top: "y" eltwise_param { ${param} } }`;
  const seeds = { y: tensor([1, 2, 3]) };

  it("gives the gradient of equal maxima to the second bottom before the first, and else to the earlier", async () => {
    const inputs = { a: tensor([1, 1, 0]), b: tensor([1, 0, 1]), c: tensor([1, 1, 1]) };
    const { gradients } = await runText(three("operation: MAX"), inputs, { seeds });
    expect([...gradients["a"]!.data]).to.deep.equal([0, 2, 0]);
    expect([...gradients["b"]!.data]).to.deep.equal([1, 0, 3]);
    expect([...gradients["c"]!.data]).to.deep.equal([0, 0, 0]);
  });

  it("multiplies the other factors for the gradient of a product, so that zeros are exact", async () => {
    const inputs = { a: tensor([0, 0, 2]), b: tensor([3, 0, 3]), c: tensor([4, 5, 4]) };
    const { gradients } = await runText(three("operation: PROD"), inputs, { seeds });
    expect([...gradients["a"]!.data]).to.deep.equal([12, 0, 36]);
  });

  it("divides the product by the factor without stable_prod_grad, as Caffe: not a number at 0", async () => {
    const inputs = { a: tensor([0, 0, 2]), b: tensor([3, 0, 3]), c: tensor([4, 5, 4]) };
    const { blobs, gradients } = await runText(three("operation: PROD stable_prod_grad: false"), inputs, { seeds });
    expect([...blobs["y"]!.data]).to.deep.equal([0, 0, 24]);
    expect([...gradients["a"]!.data]).to.deep.equal([Number.NaN, Number.NaN, 36]);
    expect([...gradients["c"]!.data]).to.deep.equal([0, 0, 18]);
  });
});
