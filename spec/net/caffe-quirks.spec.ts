import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Net, Solver } from "../../lib/index.js";
import { cli } from "../support/cli.js";
import { freshFolder } from "../support/folder.js";
import { inputLayer, tensor } from "../support/net.js";
import { prng } from "../support/prng.js";

const clip = (top: string, bounds = "min: -0.5 max: 1") =>
  `layer { name: "clip" type: "Clip" bottom: "x" top: "${top}" clip_param { ${bounds} } }`;

/** Caffe's Clip forward and backward, where bottom and top are one blob. Source: clip_layer.cpp. */
function caffeInPlace(data: Float32Array, diff: Float32Array, min: number, max: number): void {
  for (let i = 0; i < data.length; i++) data[i] = Math.max(min, Math.min(data[i]!, max));
  for (let i = 0; i < diff.length; i++) diff[i] = diff[i]! * Number(data[i]! >= min && data[i]! <= max);
}

/** A net whose four scores of 2 are clipped to 1 on their way to the loss: its gradient is 1, or 0 by the formula. */
const TRAINED = `
  layer { name: "d" type: "DummyData" top: "x" top: "target"
    dummy_data_param { shape { dim: 1 dim: 1 } shape { dim: 1 dim: 4 }
      data_filler { type: "constant" value: 1 } data_filler { type: "constant" value: 0 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
    inner_product_param { num_output: 4 bias_term: false weight_filler { type: "constant" value: 2 } } }
  layer { name: "clip" type: "Clip" bottom: "y" top: "y" clip_param { min: -1 max: 1 } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "target" top: "loss" }`;
const SETTINGS = `base_lr: 0.5 lr_policy: "fixed" max_iter: 1 snapshot_after_train: true`;

/** Numbers as an array, without signs of zeros: which of them there are depends on how a gradient is stopped. */
const plain = (values: Float32Array | readonly number[]): readonly number[] => Array.from(values, (each) => each + 0);

describe("Caffe's quirks", () => {
  const folder = freshFolder();

  it("give Clip in place Caffe's gradient, which passes everywhere, and leave it elsewhere", async () => {
    const draw = prng(7);
    const values = Array.from({ length: 200 }, () => 4 * draw() - 2);
    const gradient = values.map(() => draw() - 0.5);
    for (const [bounds, min, max] of [
      ["min: -0.5 max: 1", -0.5, 1],
      ["min: 1 max: -1", 1, -1],
    ] as const) {
      const [data, diff] = [Float32Array.from(values), Float32Array.from(gradient)];
      caffeInPlace(data, diff, min, max);
      const run = async (top: string, caffeQuirks: boolean) => {
        await using net = await Net.load(inputLayer("x", 200) + clip(top, bounds), { name: "net", caffeQuirks });
        const y = (await net.forward({ x: tensor(values) }))[top]!.data;
        return { y: plain(y), dx: plain((await net.backward({ [top]: tensor(gradient) }))["x"]!.data) };
      };
      expect(await run("x", true)).to.deep.equal({ y: plain(data), dx: plain(diff) });
      const formula = Array.from(Float32Array.from(gradient), (dy, i) =>
        values[i]! >= min && values[i]! <= max ? dy : 0,
      );
      expect(await run("x", false)).to.deep.equal({ y: plain(data), dx: formula });
      expect(await run("y", true)).to.deep.equal({ y: plain(data), dx: formula });
    }
  });

  it("cause no warning, unless the clipped values are changed in place again", async () => {
    const told = async (rest: string) => {
      const found: string[] = [];
      const onWarning = (warning: Error) => found.push(warning.message);
      const text = `${TRAINED.replace(/\n.*name: "loss".*/, "")}\n${rest}
        layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "target" top: "loss" }`;
      await using _net = await Net.load(text, { phase: "TRAIN", caffeQuirks: true, onWarning });
      return found;
    };
    expect(await told("")).to.be.empty;
    expect(await told(`layer { name: "r" type: "ReLU" bottom: "y" top: "y" }`)).to.be.empty;
    const [scaled, ...more] = await told(`layer { name: "s" type: "Scale" bottom: "y" top: "y" }`);
    expect(more).to.be.empty;
    expect(scaled).to.match(/^layer "s": .* layer "clip"/);
  });

  it("are followed by every replica of a training", async () => {
    writeFileSync(join(folder(), "net.prototxt"), TRAINED);
    writeFileSync(join(folder(), "solver.prototxt"), `net: "net.prototxt" ${SETTINGS}`);
    const weights = async (caffeQuirks: boolean, workers: number) => {
      const told: string[] = [];
      const onWarning = (warning: Error) => told.push(warning.message);
      const options = { caffeQuirks, workers, onWarning };
      await using solver = await Solver.load(join(folder(), "solver.prototxt"), options);
      await solver.step(1);
      return {
        weights: [...solver.net.params.get("ip")![0]!.data],
        told: told.filter((each) => /in place/.test(each)).length,
      };
    };
    for (const workers of [1, 2]) {
      expect(await weights(true, workers), `${workers} workers`).to.deep.equal({
        weights: Array(4).fill(1.5),
        told: 0,
      });
      expect(await weights(false, workers), `${workers} workers`).to.deep.equal({ weights: Array(4).fill(2), told: 1 });
    }
  });

  it("are a flag of train and time", async () => {
    writeFileSync(join(folder(), "net.prototxt"), TRAINED);
    writeFileSync(
      join(folder(), "solver.prototxt"),
      `net: "net.prototxt" ${SETTINGS} snapshot_prefix: "${folder()}/s"`,
    );
    const trained = async (...flags: readonly string[]) => {
      const { status, stderr } = await cli("train", join(folder(), "solver.prototxt"), ...flags);
      expect(status, stderr).to.equal(0);
      await using net = await Net.load(join(folder(), "net.prototxt"), {
        weights: join(folder(), "s_iter_1.caffemodel"),
      });
      return { weights: [...net.params.get("ip")![0]!.data], stderr };
    };
    const without = await trained();
    expect(without.weights).to.deep.equal(Array(4).fill(2));
    expect(without.stderr.match(/warning: /g)).to.have.length(1);
    expect(without.stderr).to.contain("net.prototxt:7:").and.to.contain("--caffe-quirks");
    const quirky = await trained("--caffe-quirks");
    expect(quirky.weights).to.deep.equal(Array(4).fill(1.5));
    expect(quirky.stderr).not.to.contain("warning");
    const time = ["time", "-model", join(folder(), "net.prototxt"), "-iterations", "1"];
    expect((await cli(...time)).stderr).to.contain("in place, Caffe's gradient is not");
    expect((await cli(...time, "--caffe-quirks")).stderr).to.equal("");
  });
});
