import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { Net } from "../../lib/index.js";
import { freshFolder } from "../support/folder.js";
import { root } from "../support/shared.js";

const NET = `
  layer { name: "data" type: "DummyData" top: "data" top: "label"
    dummy_data_param { shape { dim: 4 dim: 3 dim: 8 dim: 8 } shape { dim: 4 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;
const DEPLOY = `
  layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 } }
  layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }`;

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly functionName: string;
      readonly ranges: readonly { readonly count: number }[];
    }[];
  }[];
}

describe("a prototxt on its way in", () => {
  const folder = freshFolder();

  beforeEach(async () => {
    writeFileSync(join(folder(), "net.prototxt"), NET);
    writeFileSync(join(folder(), "deploy.prototxt"), DEPLOY);
    writeFileSync(
      join(folder(), "solver.prototxt"),
      `net: "net.prototxt" test_iter: 1 test_interval: 1 base_lr: 0.01 lr_policy: "fixed" max_iter: 1 snapshot_after_train: false`,
    );
    await using net = await Net.load(DEPLOY);
    await net.save(join(folder(), "w.caffemodel"));
  });

  /** Calls of a function of netrun in a process, workers and all. */
  function calls(args: readonly string[], functionName: string): number {
    const coverage = join(folder(), "coverage");
    mkdirSync(coverage);
    const { status, stderr } = spawnSync(process.execPath, args, {
      cwd: folder(),
      encoding: "utf8",
      env: { ...process.env, NODE_V8_COVERAGE: coverage },
    });
    expect(status, stderr).to.equal(0);
    const lib = pathToFileURL(join(root, "dist", "lib/")).href;
    const reports = readdirSync(coverage).map(
      (name) => JSON.parse(readFileSync(join(coverage, name), "utf8")) as Coverage,
    );
    const functions = reports.flatMap(({ result }) =>
      result.filter(({ url }) => url.startsWith(lib)).flatMap((script) => script.functions),
    );
    return functions
      .filter((each) => each.functionName === functionName)
      .reduce((sum, { ranges }) => sum + ranges[0]!.count, 0);
  }

  const BIN = join(root, "bin", "netrun.js");
  const api = (script: string) => [
    "--input-type=module",
    "-e",
    `const netrun = await import(${JSON.stringify(pathToFileURL(join(root, "dist/lib/index.js")).href)}); ${script}`,
  ];
  const weights = ["--weights", "w.caffemodel"];
  const bare = ["--max-iter", "1", "--no-snapshot-after-train"];
  const cases: readonly (readonly [name: string, args: readonly string[], prototxts: number])[] = [
    ["train of a solver", [BIN, "train", "solver.prototxt"], 2],
    ["train of a net", [BIN, "train", "net.prototxt", ...bare], 1],
    ["test", [BIN, "test", "--model", "net.prototxt", ...weights, "--iterations", "1"], 1],
    ["time", [BIN, "time", "--model", "net.prototxt", "--iterations", "1"], 1],
    ["inspect of a net", [BIN, "inspect", "net.prototxt"], 1],
    ["inspect of a solver", [BIN, "inspect", "solver.prototxt"], 2],
    ["convert", [BIN, "convert", "deploy.prototxt", "w.caffemodel", "-o", "m.onnx"], 1],
    ["the API's Net", api(`await (await netrun.Net.load("net.prototxt"))[Symbol.asyncDispose]()`), 1],
    ["the API's Solver", api(`await (await netrun.Solver.load("solver.prototxt"))[Symbol.asyncDispose]()`), 2],
    [
      "the API's solver of a net",
      api(`await (await netrun.Solver.load(netrun.solverOfNet("net.prototxt")))[Symbol.asyncDispose]()`),
      1,
    ],
  ];
  for (const [name, args, prototxts] of cases) {
    it(`is parsed once by ${name}`, () => {
      expect(calls(args, "parseText")).to.equal(prototxts);
    });
  }
});
