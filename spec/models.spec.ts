import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { filterNet } from "../lib/caffe/filter.js";
import { loadNet, loadSolver } from "../lib/caffe/load.js";
import { create } from "../lib/caffe/message.js";
import { Phase } from "../lib/caffe/messages.js";
import { layoutOf } from "../lib/net/layout.js";
import { lower } from "../lib/net/lower.js";
import { root } from "./support/shared.js";

/** Shapes of an image's blob, batch aside, by model; what has none tells its shapes itself. */
const INPUTS: Readonly<Record<string, readonly number[]>> = {
  caffenet: [3, 227, 227],
  cifar10: [3, 32, 32],
  lenet: [1, 28, 28],
  mnist: [1, 28, 28],
  "mnist-dbn": [1, 28, 28],
  "shapes-ssd": [3, 64, 64],
};

/** Shapes of labels that are not a number for each row. */
const LABELS: Readonly<Record<string, readonly number[]>> = { "shapes-ssd": [1, 1, 8, 8] };

/** An output of the nets that have no one of the name "loss". */
const OUTPUTS: Readonly<Record<string, { readonly TRAIN: string; readonly TEST: string }>> = {
  "shapes-ssd": { TRAIN: "mbox_loss", TEST: "detection_eval" },
};

/** Parameters of each net, as its papers and Caffe's count them. */
const PARAMETERS: Readonly<Record<string, number>> = {
  adult: 1439,
  caffenet: 60_965_224,
  cifar10: 145_578,
  lenet: 431_080,
  mnist: 431_080,
  "mnist-dbn": 242_762,
  "shapes-ssd": 120_528,
};

describe("the nets of models/", () => {
  const folder = join(root, "models");
  const names = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== "plugins",
  );

  for (const { name } of names) {
    it(`${name} lowers in both phases, has its parameters, and a solver that names it`, () => {
      const { message } = loadNet(join(folder, name, "train_test.prototxt"), { strict: true });
      for (const phase of ["TRAIN", "TEST"] as const) {
        const { layer } = filterNet(message, create("NetState", { phase: Phase[phase] }));
        const image = INPUTS[name];
        const shapes = new Map<string, readonly number[]>(
          image && [
            ["data", [2, ...image]],
            ["label", LABELS[name] ?? [2]],
          ],
        );
        const net = lower(layer, { phase, shapes });
        expect(net.outputs).to.include(OUTPUTS[name]?.[phase] ?? "loss");
        expect(layoutOf(net).length).to.equal(PARAMETERS[name]);
      }
      const solver = loadSolver(join(folder, name, "solver.prototxt"), { strict: true });
      expect(solver.message.net).to.equal("train_test.prototxt");
    });
  }
});
