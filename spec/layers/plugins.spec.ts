import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { create } from "../../lib/caffe/message.js";
import { constant, extraParam, loadPlugins, Net, ops, registerLayer, Solver } from "../../lib/index.js";
import { failure } from "../support/failure.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";
import { root } from "../support/shared.js";

const ONE = create("FillerParameter", { type: "constant", value: 1 });

/** y = w * x * factor, factor from a field that Caffe's schema does not have. */
registerLayer({
  type: "SpecTimes",
  bottoms: 1,
  tops: 1,
  blobs: () => [{ shape: [], filler: ONE }],
  lower({ layer, bottoms, blobs }) {
    const { factor = 1 } = extraParam(layer, "times_param");
    return { tops: [ops.mul(ops.mul(bottoms[0]!, blobs[0]!), constant(factor as number))] };
  },
});

describe("layer plugins", () => {
  const times = `${inputLayer("x", 2)}layer { name: "l" type: "SpecTimes" bottom: "x" top: "y" times_param { factor: 3 } }`;

  it("add a type, with blobs, gradients and parameters of its own", async () => {
    const seeds = { y: tensor([1, 10]) };
    const { blobs, gradients, parameters } = await runText(
      times,
      { x: tensor([1, 2]) },
      { params: { "l/0": [5] }, seeds },
    );
    expect([...blobs["y"]!.data]).to.deep.equal([15, 30]);
    expect([...gradients["x"]!.data]).to.deep.equal([15, 150]);
    expect([...parameters["l/0"]!]).to.deep.equal([63]);
  });

  it("have their counts of bottoms and tops checked like built-in types", async () => {
    await failure(Net.load(times.replace('top: "y"', 'top: "y" top: "z"')), "SpecTimes layers take 1 top, not 2");
  });

  it("give a value for each top", async () => {
    registerLayer({ type: "SpecNothing", lower: () => ({ tops: [] }) });
    const text = `layer { name: "l" type: "SpecNothing" top: "y" }`;
    await failure(Net.load(text), 'layer "l": its lowering gives 0 tops for 1');
  });

  it("are named, at their layer, where their code fails", async () => {
    const add = () => ({ tops: [ops.add(constant(new Float32Array(2), [2]), constant(new Float32Array(3), [3]))] });
    registerLayer({ type: "SpecUnsound", lower: add });
    await failure(
      Net.load('layer { name: "l" type: "SpecUnsound" top: "y" }'),
      'layer "l": its plugin fails: shapes [2]',
    );
    const blobs = () => {
      throw new TypeError("no shape");
    };
    registerLayer({ type: "SpecBlobless", blobs, lower: add });
    await failure(Net.load('layer { name: "l" type: "SpecBlobless" top: "y" }'), "its plugin fails: no shape");
  });

  it("stand for Python layers, by module and class", async () => {
    await loadPlugins([join(root, "examples/plugins/pyloss.js")]);
    const text = `${inputLayer("a", 2, 2)}${inputLayer("b", 2, 2)}layer { name: "l" type: "Python" bottom: "a" bottom: "b" top: "loss" loss_weight: 1 python_param { module: "pyloss" layer: "EuclideanLossLayer" } }`;
    const inputs = { a: tensor([1, 2, 3, 4], [2, 2]), b: tensor([0, 2, 3, 2], [2, 2]) };
    const { blobs, gradients } = await runText(text, inputs, { seeds: {} });
    expect([...blobs["loss"]!.data]).to.deep.equal([1.25]);
    expect([...gradients["a"]!.data]).to.deep.equal([0.5, 0, 0, 1]);
    expect([...gradients["b"]!.data]).to.deep.equal([-0.5, -0, -0, -1]);
  });

  it("train, extra fields included", async () => {
    const net = `layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2 } data_filler { value: 1 } } }
      layer { name: "l" type: "SpecTimes" bottom: "x" top: "y" times_param { factor: 3 } }
      layer { name: "s" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 }`;
    const solver = `net_param { ${net} } base_lr: 0.125 lr_policy: "fixed" max_iter: 2 snapshot_after_train: false random_seed: 1`;
    await using training = await Solver.load(solver);
    expect([...(await training.step(2))]).to.deep.equal([6, 1.5]);
  });

  it("are asked for where a Python layer has none", () => {
    const text = `layer { name: "l" type: "Python" top: "y" python_param { module: "m" layer: "L" } }`;
    expect(refusal(text)).to.equal(
      [
        'net:1:43: layer "l": netrun runs no Python, and no plugin stands for layer "L" of module "m"',
        "note: it brings data in: --data PATH gives it (in the API data, or replaceDataLayers)",
        'note: write it in JavaScript: registerLayer({ type: "Python", module: "m", layer: "L", blobs, lower })',
        "note: a file of such layers is loaded with --plugin FILE",
      ].join("\n"),
    );
  });

  it("are refused where their type is there already", () => {
    const lower = () => ({ tops: [] });
    expect(() => registerLayer({ type: "SpecTimes", lower })).to.throw("the layer type SpecTimes is registered twice");
    expect(() => registerLayer({ type: "ReLU", lower })).to.throw("netrun has a layer type ReLU of its own");
    expect(() => registerLayer({ type: "Python", lower })).to.throw(
      "a plugin for Python layers needs module and layer",
    );
  });

  describe("files", () => {
    const folder = mkdtempSync(join(tmpdir(), "netrun-plugins-"));
    after(() => rmSync(folder, { recursive: true }));
    const file = (name: string, text: string) => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    };

    it("may export a list of layers", async () => {
      const path = file("list.mjs", `export default [{ type: "SpecA", lower: ({ bottoms }) => ({ tops: bottoms }) }];`);
      await loadPlugins([path, path]);
      const text = `${inputLayer("x", 2)}layer { name: "l" type: "SpecA" bottom: "x" top: "y" }`;
      expect((await runText(text, { x: tensor([1, 2]) })).blobs["y"]).to.deep.equal(tensor([1, 2]));
    });

    it("are refused where they register nothing, or do not load", async () => {
      await failure(loadPlugins([file("none.mjs", "export const x = 1;")]), "the plugin registers no layer");
      await failure(loadPlugins([file("bad.mjs", "export default (")]), "the plugin does not load: ");
    });
  });
});
