import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { densenetPrototxt } from "../../bench/densenet.js";
import { loadNet } from "../../lib/caffe/load.js";
import type { LayerParameter } from "../../lib/caffe/messages.js";
import { LogLines } from "../../lib/cli/log-lines.js";
import { convert } from "../../lib/convert/index.js";
import { toDot } from "../../lib/inspect/dot.js";
import { inspectNet } from "../../lib/inspect/index.js";
import { printNet } from "../../lib/inspect/print.js";
import { differencesFromCaffe } from "../../lib/net/differences.js";
import { layoutOf } from "../../lib/net/layout.js";
import { lower } from "../../lib/net/lower.js";
import { emit } from "../../lib/onnx/emit.js";
import { endsOf } from "../../lib/run/compiled-net.js";
import { printText } from "../../lib/text/print.js";
import { train } from "../../lib/train/train.js";
import { freshFolder } from "../support/folder.js";
import { inputLayer } from "../support/net.js";
import { root } from "../support/shared.js";

const MANY = 10_000;
const each = (line: (i: number) => string): string => Array.from({ length: MANY }, (_, i) => line(i)).join("\n");
const all = (field: string, name: string): string => each((i) => `${field}: "${name}${i}"`);
const product = (i: number, bottom: string, top: string, fields = "") =>
  `layer { name: "l${i}" type: "InnerProduct" bottom: "${bottom}" top: "${top}" ${fields} inner_product_param { num_output: 1 } }`;
const loss = (bottom: string) =>
  `layer { name: "loss" type: "EuclideanLoss" bottom: "${bottom}" bottom: "b0" top: "loss" }`;

/** Nets that took a time that grew with the square of their layers, or might. */
const NETS: Readonly<Record<string, string>> = {
  "a chain": each((i) => product(i, `b${i}`, `b${i + 1}`)) + loss(`b${MANY}`),
  "layers in place on one blob": each((i) => `layer { name: "r${i}" type: "ReLU" bottom: "b0" top: "b0" }`),
  "a chain that shares its parameters":
    each((i) => product(i, `b${i}`, `b${i + 1}`, 'param { name: "w" } param { name: "b" }')) + loss(`b${MANY}`),
  "layers on one trained blob":
    product(MANY, "b0", "x") +
    each((i) => product(i, "x", `c${i}`)) +
    `layer { name: "sum" type: "Eltwise" ${all("bottom", "c")} top: "y" }${loss("y")}`,
  "layers that stop the gradient of one trained blob":
    product(MANY, "b0", "x") +
    each((i) => `layer { name: "s${i}" type: "Softmax" bottom: "x" top: "c${i}" propagate_down: false }`) +
    `layer { name: "sum" type: "Eltwise" ${all("bottom", "c")} top: "y" }${loss("y")}`,
  "a layer of as many tops":
    `layer { name: "split" type: "Split" bottom: "b0" ${all("top", "c")} }` +
    each((i) => `layer { name: "r${i}" type: "ReLU" bottom: "c${i}" top: "d${i}" }`),
};

describe(`nets of ${MANY} layers`, function () {
  this.timeout(60_000);
  const folder = freshFolder();

  for (const [title, layers] of Object.entries(NETS))
    it(`${title}: are read, inspected, printed, drawn, differentiated and written in seconds`, async () => {
      const text = inputLayer("b0", 1, 1) + layers;
      const times: Record<string, number> = {};
      const timed = async <T>(step: string, work: () => T | Promise<T>): Promise<T> => {
        const start = process.cpuUsage();
        const result = await work();
        const { user, system } = process.cpuUsage(start);
        times[step] = Math.round((user + system) / 1000);
        return result;
      };
      const net = await timed("load", () => loadNet(text).message);
      const printed = await timed("print", () => printText(net));
      const summary = await timed("inspect", () => inspectNet(net, { phase: "TRAIN", baseDir: "." }));
      const lines = await timed("table", () => printNet(summary));
      await timed("draw", () => toDot([summary]));
      const lowered = await timed("lower", () => lower(net.layer, { phase: "TRAIN" }));
      await timed("differences", () => differences(net.layer, lowered.differentiated));
      const isTrained = lowered.losses.length > 0 && lowered.differentiated.length > 0;
      const ends = await timed("differentiate", () =>
        endsOf(lowered, {
          blobs: lowered.outputs,
          objective: isTrained,
          ...(isTrained && { gradients: "trainable" as const }),
        }),
      );
      await timed("write", () => emit({ name: "net", outputs: ends.outputs }));
      expect(layoutOf(lowered).slots.size).to.be.below(3 * MANY);
      // As much as the prototxt, not the square of its names.
      expect(lines.join("\n").length).to.be.below(10 * printed.length);
      for (const [step, ms] of Object.entries(times)) expect(ms, step).to.be.below(10_000);
    });

  it("of a million bottoms join them, more than the call of a function has room for", async () => {
    const bottoms = 'bottom: "b0" '.repeat(1_000_000);
    const net = loadNet(`${inputLayer("b0", 1, 1)} layer { name: "c" type: "Concat" ${bottoms} top: "y" }`).message;
    const { layers } = await inspectNet(net, { phase: "TEST", baseDir: "." });
    expect(layers.at(-1)!.tops).to.deep.equal([{ name: "y", shape: [1, 1_000_000] }]);
  });

  it("are announced by a training before the time that onnxruntime takes to prepare them", async () => {
    const net = `${inputLayer("b0", 1, 1)} ${product(0, "b0", "b1")}
      ${each((i) => `layer { name: "r${i}" type: "ReLU" bottom: "b1" top: "b1" }`)} ${loss("b1")}`;
    const path = join(folder(), "net.prototxt");
    writeFileSync(path, net);
    const solver = `net: "${path}" base_lr: 0.1 lr_policy: "fixed" max_iter: 1 snapshot_after_train: false`;
    const events = train({ solver });
    const { value } = await events.next();
    await events.return();
    expect(new LogLines().of(value!).map(({ text }) => text)).to.include(
      `Preparing ${MANY + 3} layers, which may take minutes: onnxruntime's time grows with their square`,
    );
  });

  it("are inspected in less than a second beyond the start of netrun", () => {
    const path = join(folder(), "net.prototxt");
    writeFileSync(
      path,
      `${inputLayer("b0", 1, 1)}\n${each((i) => `layer { name: "r${i}" type: "ReLU" bottom: "b${i}" top: "b${i + 1}" }`)}`,
    );
    const seconds = (file: string): number => {
      const start = performance.now();
      const { status } = spawnSync(process.execPath, [join(root, "bin/netrun.js"), "inspect", file]);
      expect(status).to.equal(0);
      return (performance.now() - start) / 1000;
    };
    const least = (file: string) => Math.min(...Array.from({ length: 5 }, () => seconds(file)));
    // 0.7 s on a quiet machine.
    expect(least(path) - least(join(root, "models/lenet/deploy.prototxt"))).to.be.below(1);
  });
});

function differences(layers: readonly LayerParameter[], trainable: readonly { readonly layer: string }[]) {
  const learning = new Set(trainable.map(({ layer }) => layer));
  const options = { phase: "TRAIN", forceBackward: false, learning, wanted: "trainable", caffeQuirks: false } as const;
  return differencesFromCaffe(layers, options);
}

describe("a DenseNet of over a thousand layers", () => {
  it("is inspected, drawn, converted and checked in under 20 s of processor time", async () => {
    const text = densenetPrototxt(264);
    const start = process.cpuUsage();
    const summary = await inspectNet(loadNet(text).message, { phase: "TEST", baseDir: "." });
    expect(summary.layers).to.have.length.greaterThan(1000);
    toDot([summary]);
    const { report } = await convert(text, new Map(), { allowMissing: true });
    expect(report.verification!.map(({ within }) => within)).to.deep.equal([true]);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1e6).to.be.lessThan(20);
  }).timeout(120_000);
});
