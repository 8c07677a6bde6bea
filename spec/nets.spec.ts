import { readFileSync } from "node:fs";
import { expect } from "chai";
import { Net, type Tensors } from "../lib/api/net.js";
import { filterNet } from "../lib/caffe/filter.js";
import { loadNet } from "../lib/caffe/load.js";
import { create } from "../lib/caffe/message.js";
import { Phase as PhaseNumber } from "../lib/caffe/messages.js";
import { count } from "../lib/graph/index.js";
import { isDataLayer, type LayerType, layerTypes, type PhaseName } from "../lib/layers/index.js";
import { lower } from "../lib/net/lower.js";
import { hashedInput, hashWeights } from "./support/hashed.js";
import { describeShared, sharedPath } from "./support/shared.js";

interface Golden {
  readonly replaced: Readonly<Record<string, readonly number[]>>;
  readonly label_rule: string;
  readonly TRAIN: PhaseGolden;
  readonly TEST: PhaseGolden;
}

interface PhaseGolden {
  readonly blobs: Readonly<Record<string, readonly number[]>>;
  readonly outputs?: Readonly<Record<string, number>>;
  readonly grad_l2?: Readonly<Record<string, number>>;
}

/** The published nets, with their data layers. */
const nets = {
  lenet: "examples+mnist+lenet_train_test.prototxt",
  cifar10_quick: "examples+cifar10+cifar10_quick_train_test.prototxt",
  cifar10_full: "examples+cifar10+cifar10_full_train_test.prototxt",
  mnist_autoencoder: "examples+mnist+mnist_autoencoder.prototxt",
  caffenet: "models+bvlc_reference_caffenet+train_val.prototxt",
  googlenet: "models+bvlc_googlenet+train_val.prototxt",
} as const satisfies Readonly<Record<string, string>>;

/** The autoencoder's test data layers ask for a stage. */
const stages = ["test-on-train"];

const phases = ["TRAIN", "TEST"] as const satisfies readonly PhaseName[];

/** Shapes of all blobs of a phase, its data layers' tops as given. */
function shapes(path: string, phase: PhaseName, given: Golden["replaced"]) {
  const net = filterNet(loadNet(path).message, create("NetState", { phase: PhaseNumber[phase], stage: stages }));
  const types: Readonly<Record<string, LayerType>> = layerTypes;
  expect(net.layer.filter((layer) => isDataLayer(types[layer.type]!))).to.have.length(1);
  const { blobs } = lower(net.layer, { phase, shapes: new Map(Object.entries(given)) });
  return Object.fromEntries([...blobs].map(([name, { type }]) => [name, type.shape]));
}

function inputs({ replaced, label_rule }: Golden, range: (u: number) => number): Tensors {
  const classes = Number(/% (\d+)/.exec(label_rule)![1]);
  return Object.fromEntries(
    Object.entries(replaced).map(([name, shape]) => {
      if (name !== "label") return [name, hashedInput(name, shape, range)];
      return [name, { shape, data: Float32Array.from({ length: count(shape) }, (_, j) => (j * 7) % classes) }];
    }),
  );
}

/** 0.1 %: what the reference data asks of whole nets. */
const near = (expected: number) => 1e-3 * Math.abs(expected) + 1e-6;

describeShared("published nets, against what Caffe computed", () => {
  for (const [name, file] of Object.entries(nets)) {
    const golden = JSON.parse(readFileSync(sharedPath("goldens", "nets", `${name}.json`), "utf8")) as Golden;
    const path = sharedPath("zoo", "prototxt", "bvlc", file);
    for (const phase of phases) {
      const { blobs, outputs, grad_l2 } = golden[phase];
      it(`${name} has Caffe's blobs in ${phase}`, () => {
        expect(shapes(path, phase, golden.replaced)).to.deep.equal(blobs);
      });
      if (!outputs) continue;
      it(`${name} has Caffe's outputs and gradients in ${phase}`, async () => {
        await using net = await Net.load(path, { phase, stages, shapes: golden.replaced });
        hashWeights(net);
        const range = name === "mnist_autoencoder" ? (u: number) => u : (u: number) => u - 0.5;
        const found = await net.forward(inputs(golden, range));
        for (const [blob, value] of Object.entries(outputs)) {
          expect(found[blob]!.data[0], blob).to.be.closeTo(value, near(value));
        }
        if (!grad_l2) return;
        await net.backward();
        for (const [key, value] of Object.entries(grad_l2)) {
          const [layer, index] = key.split("/") as [string, string];
          const norm = Math.hypot(...norms(net.params.get(layer)![Number(index)]!.diff));
          expect(norm, `gradient of ${key}`).to.be.closeTo(value, near(value));
        }
      });
    }
  }
});

/** Norms of parts, few enough for Math.hypot's argument list. */
function norms(values: Float32Array): number[] {
  const part = 65536;
  return Array.from({ length: Math.ceil(values.length / part) }, (_, i) =>
    Math.sqrt(values.subarray(i * part, (i + 1) * part).reduce((sum, value) => sum + value * value, 0)),
  );
}
