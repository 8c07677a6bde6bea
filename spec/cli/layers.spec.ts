import { join } from "node:path";
import { expect } from "chai";
import { cli } from "../support/cli.js";
import { root } from "../support/shared.js";

describe("netrun layers", () => {
  it("lists every type with its parameters and their defaults", async () => {
    const { status, stdout } = await cli("layers");
    expect(status).to.equal(0);
    expect(stdout).to.match(/^Scale +bottoms: 1 or 2; tops: 1$/m);
    expect(stdout).to.include("scale_param: axis=1, num_axes=1, filler, bias_term=false, bias_filler\n");
  });

  it("shows one, whatever its case", async () => {
    const { stdout } = await cli("layers", "hingeloss");
    expect(stdout).to.equal(
      [
        "HingeLoss",
        "  bottoms: 2",
        "  tops: 1",
        "  a loss: its first top has loss_weight 1 unless given another",
        "  hinge_loss_param:",
        "    norm  L1 | L2, default L1",
        "",
      ].join("\n"),
    );
  });

  it("has the layers of plugins", async () => {
    const { stdout } = await cli("layers", "--plugin", join(root, "examples/plugins/pyloss.js"));
    expect(stdout).to.include("Python pyloss.EuclideanLossLayer");
  });

  it("refuses a type that is not there, with the nearest", async () => {
    const { status, stderr } = await cli("layers", "Convolutoin");
    expect(status).to.equal(1);
    expect(stderr).to.equal('unknown layer type "Convolutoin"\nnote: did you mean "Convolution"?\n');
  });
});
