import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { inspectNet } from "../../lib/inspect/index.js";
import { layoutOf } from "../../lib/net/layout.js";
import { emit } from "../../lib/onnx/emit.js";
import { endsOf } from "../../lib/run/compiled-net.js";
import { inputLayer, lowerText } from "../support/net.js";

const LAYERS = 10_000;

/** A chain of layers with parameters, under a loss. */
function chain(): string {
  const lines = [inputLayer("t0", 1, 1)];
  for (let i = 0; i < LAYERS; i++)
    lines.push(
      `layer { name: "l${i}" type: "InnerProduct" bottom: "t${i}" top: "t${i + 1}" inner_product_param { num_output: 1 } }\n`,
    );
  lines.push(`layer { name: "loss" type: "EuclideanLoss" bottom: "t${LAYERS}" bottom: "t${LAYERS}" top: "loss" }\n`);
  return lines.join("");
}

describe("a chain of 10,000 layers", () => {
  it("has gradients, and is written, without a walk that overflows the stack", () => {
    const net = lowerText(chain(), "TRAIN");
    const { outputs } = endsOf(net, { blobs: ["loss"], gradients: "trainable", objective: true });
    expect(layoutOf(net).slots.size).to.equal(2 * LAYERS);
    expect(outputs.size).to.be.greaterThan(2 * LAYERS);
    expect(emit({ name: "deep", outputs }).outputs).to.have.length(outputs.size);
  });

  it("is inspected in seconds of CPU, not minutes: in proportion to its layers", async () => {
    const before = process.cpuUsage();
    const { layers } = await inspectNet(loadNet(chain()).message, { phase: "TRAIN", baseDir: "." });
    const { user } = process.cpuUsage(before);
    expect(layers).to.have.length(LAYERS + 2);
    expect(layers.at(-2)!.line).to.equal(LAYERS + 1);
    // 2 s on a busy machine, 110 s while each layer counted lines and looked at all parameters.
    expect(user / 1e6).to.be.below(10);
  });
});
