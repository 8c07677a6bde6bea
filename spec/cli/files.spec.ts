import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { decode, encode } from "../../lib/caffe/message.js";
import { root } from "../support/shared.js";

const folder = mkdtempSync(join(tmpdir(), "netrun-cli-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

async function netrun(...args: string[]): Promise<{ out: string; err: string; status: number }> {
  const command = promisify(execFile)(process.execPath, [join(root, "bin", "netrun.js"), ...args]);
  const { stdout, stderr, code } = await command.then(
    (result) => ({ ...result, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  return { out: stdout, err: stderr.replaceAll(folder, "DIR"), status: code };
}

const V1 = 'name: "old"\ninput: "x" input_dim: [1, 1, 2, 2]\nlayers { name: "r" type: RELU bottom: "x" top: "y" }\n';
const TODAY = `name: "old"
layer {
  name: "input"
  type: "Input"
  top: "x"
  input_param {
    shape {
      dim: 1
      dim: 1
      dim: 2
      dim: 2
    }
  }
}
layer {
  name: "r"
  type: "ReLU"
  bottom: "x"
  top: "y"
}
`;

describe("netrun upgrade", () => {
  it("prints a net in today's format, and says what was old", async () => {
    const { out, err, status } = await netrun("upgrade", file("old.prototxt", V1));
    expect([out, status]).to.deep.equal([TODAY, 0]);
    expect(err).to.match(/^warning: DIR\/old.prototxt: has old V1 layers, input fields/);
  });

  it("writes text as text and binary as binary", async () => {
    const text = join(folder, "new.prototxt");
    await netrun("upgrade", file("old.prototxt", V1), "-o", text);
    expect(readFileSync(text, "utf8")).to.equal(TODAY);
    const binary = file("today.caffemodel", encode(loadNet(V1).message));
    const { err } = await netrun("upgrade", binary, "-o", join(folder, "copy.caffemodel"));
    expect(err).to.equal("DIR/today.caffemodel is in today's format already\n");
    expect(decode("NetParameter", readFileSync(join(folder, "copy.caffemodel"))).layer).to.have.length(2);
    expect((await netrun("upgrade", binary)).status).to.equal(1);
  });

  it("upgrades solvers", async () => {
    const { out } = await netrun("upgrade", file("solver.prototxt", 'net: "n" solver_type: ADAM\n'));
    expect(out).to.equal('net: "n"\ntype: "Adam"\n');
  });
});

describe("netrun inspect", () => {
  it("prints a table, or JSON", async () => {
    const net = file("old.prototxt", V1);
    const { out, status } = await netrun("inspect", net);
    expect(status).to.equal(0);
    expect(out.split("\n").slice(0, 4)).to.deep.equal([
      "net old, phase TEST: 2 layers",
      "layer  type   bottoms  tops            parameters  multiply-adds  sees/step",
      "input  Input           x [1, 1, 2, 2]",
      "r      ReLU   x        y [1, 1, 2, 2]                             1x1/1x1",
    ]);
    const json = JSON.parse((await netrun("inspect", net, "--json")).out) as Record<string, unknown>;
    expect([json["kind"], json["outputs"]]).to.deep.equal(["net", [{ name: "y", shape: [1, 1, 2, 2] }]]);
  });

  it("shows a solver even where its net is not here", async () => {
    const { out, err, status } = await netrun("inspect", file("lost.prototxt", 'net: "lost/net.prototxt"\n'));
    expect([out, status]).to.deep.equal(['solver\n  net: "lost/net.prototxt"\n', 0]);
    expect(err).to.match(/^warning: DIR\/lost.prototxt:1:6: no such file: lost\/net.prototxt/);
  });

  it("shows a layer type that it does not have, and what is not known for that", async () => {
    const net = file(
      "fork.prototxt",
      `layer { name: "a" type: "Input" top: "a" input_param { shape { dim: 1 dim: 2 } } }
       layer { name: "b" type: "Quux" bottom: "a" top: "x" }`,
    );
    const { out, status } = await netrun("inspect", net);
    expect(status).to.equal(0);
    expect(out).to.match(/^b {6}Quux {3}a {8}x\s*$/m);
    expect(out).to.include('unknown layer type "Quux"');
  });
});

describe("netrun draw", () => {
  it("writes SVG and Graphviz's language", async () => {
    const net = file("old.prototxt", V1);
    for (const [name, start] of [
      ["n.svg", "<?xml"],
      ["n.dot", "digraph net {"],
    ] as const) {
      expect((await netrun("draw", net, "-o", join(folder, name))).status).to.equal(0);
      expect(readFileSync(join(folder, name), "utf8").startsWith(start)).to.equal(true);
    }
    const { err, status } = await netrun("draw", net, "-o", "n.pdf");
    expect([err.trim().split("\n").at(-1), status]).to.deep.equal([
      "-o n.pdf: the name must end in .svg, .png or .dot",
      1,
    ]);
  });
});

describe("netrun train", () => {
  it("prints how to test with a net that was found beside its solver", async () => {
    file(
      "beside.prototxt",
      `layer { name: "d" type: "DummyData" top: "x" top: "y" dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 } } }
       layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2 } }
       layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "y" top: "loss" }`,
    );
    const solver = file(
      "solver.prototxt",
      `net: "beside.prototxt" test_iter: 3 test_interval: 5 base_lr: 0.1 lr_policy: "fixed" max_iter: 1 snapshot_prefix: "${folder}/s"`,
    );
    const { out } = await netrun("train", solver);
    const model = join(folder, "beside.prototxt");
    expect(out).to.include(` test -model ${model} -weights ${folder}/s_iter_1.caffemodel -iterations 3\n`);
  });
});
