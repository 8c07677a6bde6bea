import { expect } from "chai";
import { convert } from "../../lib/convert/index.js";
import { inputLayer } from "../support/net.js";

const conv = (name: string, bottom: string, outputs: number, kernel: number) =>
  `layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}" convolution_param { num_output: ${outputs}
    kernel_size: ${kernel} pad: ${(kernel - 1) / 2} weight_filler { type: "xavier" } } }\n`;

describe("verification of nets that take minutes to run", () => {
  it("is of smaller images, with the same weights, and says so", async () => {
    const text = `${inputLayer("x", 1, 16, 1024, 2048)}${conv("a", "x", 16, 15)}${conv("b", "a", 2, 1)}
      layer { name: "r" type: "Reshape" bottom: "b" top: "r" reshape_param { shape { dim: 0 dim: 2 dim: 2097152 } } }
      layer { name: "s" type: "Softmax" bottom: "r" top: "s" }`;
    const { report } = await convert(text, new Map(), { allowMissing: true });
    expect(report.inputs).to.deep.equal({ x: ["N", 16, 1024, 2048] });
    expect(report.outputs).to.deep.equal({ s: ["N", 2, 2097152] });
    expect(report.verifiedAt).to.deep.equal({ x: [1, 16, 256, 512] });
    expect(report.verification?.map(({ output, within }) => ({ output, within }))).to.deep.equal([
      { output: "s", within: true },
    ]);
  });

  it("is of the file's own sizes where that is quick", async () => {
    const { report } = await convert(`${inputLayer("x", 1, 2, 32, 32)}${conv("a", "x", 2, 3)}`, new Map(), {
      allowMissing: true,
    });
    expect(report.verifiedAt).to.equal(undefined);
    expect(report.verification).to.have.length(1);
  });
});
