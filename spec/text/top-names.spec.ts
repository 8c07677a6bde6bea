import { expect } from "chai";
import { isNet, kindOfText } from "../../lib/caffe/load.js";
import { topNames } from "../../lib/text/top-names.js";

describe("the names at the top of a prototxt", () => {
  it("are only those of fields, not of values or nested fields", () => {
    const text = `# solver_mode: CPU
      type: SGD lr_policy: "a: b {" layer { name: "x" blobs < data: [1, 2] > } layer: { top: "y" } test_iter: [1, 2]; net : "n"`;
    expect([...topNames(text)]).to.deep.equal(["type", "lr_policy", "layer", "test_iter", "net"]);
  });

  it("say without parsing whether it is a net or a solver", () => {
    // No parser would take these values.
    expect(kindOfText("layer { convolution_param { pad: yes } }")).to.equal("NetParameter");
    expect(kindOfText("base_lr: yes")).to.equal("SolverParameter");
    expect(kindOfText('net_param { layer { name: "a" } }')).to.equal("SolverParameter");
    expect(isNet("layer { convolution_param { pad: yes } }")).to.equal(true);
    expect(isNet("base_lr: yes")).to.equal(false);
  });
});
