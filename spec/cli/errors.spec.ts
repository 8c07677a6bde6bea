import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { run } from "../../lib/cli/main.js";
import { root } from "../support/shared.js";

/** Runs the command line in this process; what it wrote on stderr. */
async function stderrOf(...args: readonly string[]): Promise<{ status: number; stderr: string }> {
  const write = process.stderr.write;
  let stderr = "";
  process.stderr.write = ((text: string) => {
    stderr += text;
    return true;
  }) as typeof write;
  try {
    return { status: await run(args), stderr };
  } finally {
    process.stderr.write = write;
  }
}

const NET = `name: "tiny"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 6 dim: 6 } } }
layer {
  name: "conv1"
  type: "Convolution"
  bottom: "data"
  top: "conv1"
  convolution_param {
    num_output: 2
    kernel_size: 3
  }
}
layer { name: "ip1" type: "InnerProduct" bottom: "conv1" top: "ip1" inner_product_param { num_output: 4 } }
`;

describe("the command line's message on a mistake", () => {
  let folder: string;
  let weights: string;
  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const test = (model: string, from = weights) =>
    stderrOf("test", "-model", model, "-weights", from, "-iterations", "1");

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "netrun-errors-"));
    weights = join(folder, "tiny.caffemodel");
    await using net = await Net.load(NET);
    await net.save(weights);
  });
  after(() => rmSync(folder, { recursive: true }));

  it("lists similar names that exist, for a missing file", async () => {
    file("tiny.prototxt", NET);
    const { status, stderr } = await test(join(folder, "tyni.prototxt"));
    expect(stderr).to.equal(
      `no such file: ${join(folder, "tyni.prototxt")}\nnote: did you mean ${join(folder, "tiny.prototxt")}?\n`,
    );
    expect(status).to.equal(1);
  });

  it("names the file and the place where reading fails, for a truncated caffemodel", async () => {
    const bytes = readFileSync(weights);
    const path = file("cut.caffemodel", bytes.subarray(0, bytes.length - 100));
    const { status, stderr } = await test(file("tiny.prototxt", NET), path);
    expect(stderr).to.match(/cut\.caffemodel: not a complete binary NetParameter: reading fails at byte \d+ of \d+\n/);
    expect(status).to.equal(1);
  });

  it("weights of another shape: layer, both shapes, and what to do", async () => {
    const { status, stderr } = await test(file("wide.prototxt", NET.replace("num_output: 2", "num_output: 3")));
    expect(stderr).to.equal(
      `${weights}: parameter 0 of layer "conv1" is [3,1,3,3] in the net and [2,1,3,3] in the file\n` +
        "note: to train this layer from scratch, rename it in the prototxt; weights are matched by layer name\n",
    );
    expect(status).to.equal(1);
  });

  it("an unknown layer type: its place and the nearest type", async () => {
    const path = file("type.prototxt", NET.replace('"Convolution"', '"Convolutoin"'));
    const { status, stderr } = await test(path);
    expect(stderr.split("\n").slice(0, 4)).to.deep.equal([
      `${path}:5:9: layer "conv1": unknown layer type "Convolutoin"`,
      '  5 |   type: "Convolutoin"',
      "    |         ^^^^^^^^^^^^^",
      'note: did you mean "Convolution"?',
    ]);
    expect(status).to.equal(1);
  });

  it("an undefined bottom: its place, the nearest blob and all that there are", async () => {
    const path = file("bottom.prototxt", NET.replace('bottom: "conv1"', 'bottom: "cnov1"'));
    const { status, stderr } = await test(path);
    expect(stderr).to.contain(`${path}:13:50: layer "ip1": bottom "cnov1" is not produced by any layer above\n`);
    expect(stderr).to.contain('note: did you mean "conv1"? (blobs here: data, conv1)\n');
    expect(status).to.equal(1);
  });

  it("shows the place of a typo in a field, and the field that was meant", async () => {
    const path = file("typo.prototxt", NET.replace("kernel_size", "kernel_sise"));
    const { status, stderr } = await test(path);
    expect(stderr).to.contain(`${path}:10:5: ConvolutionParameter has no field kernel_sise\n`);
    expect(stderr).to.contain("note: did you mean kernel_size?\n");
    expect(status).to.equal(1);
  });

  it("prints a stack trace only with --verbose", async () => {
    const path = join(root, "no-such.prototxt");
    expect((await test(path)).stderr).not.to.contain("    at ");
    expect((await stderrOf("test", "-model", path, "-weights", weights, "--verbose")).stderr).to.contain("    at ");
  });
});
