import { expect } from "chai";
import type { Layout } from "../../lib/net/layout.js";
import { updateGraph } from "../../lib/net/update.js";
import { updateRules } from "../../lib/optim/rules.js";
import type { Regularization } from "../../lib/optim/update.js";
import { Updater } from "../../lib/run/updater.js";
import { runGraph } from "../support/run-graph.js";

const LENGTH = 37;
const settings = { momentum: 0.9, momentum2: 0.99, rms_decay: 0.98, delta: 1e-6 };
const numbers = (seed: number) => Float32Array.from({ length: LENGTH }, (_, i) => Math.abs(Math.sin(seed + i * 1.7)));
const layout: Layout = {
  length: LENGTH,
  trainable: LENGTH,
  slots: new Map(),
  segments: [{ offset: 0, length: LENGTH, lrMult: 1, decayMult: 1 }],
};

describe("the update in place", () => {
  for (const rule of Object.values(updateRules)) {
    it(`of ${rule.type} gives the same bits as new arrays`, async () => {
      const regularization: Regularization = rule.type === "AdaDelta" ? { l1: 0.5 } : "L1";
      const update = { rule, settings, regularization };
      const buffers = {
        weights: numbers(1).map((each, i) => (i % 3 === 0 ? -each : each)),
        gradients: numbers(2),
        history: Array.from({ length: rule.slots }, (_, slot) => numbers(3 + slot)),
      };
      const history = buffers.history.map((each, slot) => [`h${slot}`, each.slice()] as const);
      const expected = await runGraph(Object.fromEntries(updateGraph(update, LENGTH)), {
        w: buffers.weights.slice(),
        g: buffers.gradients,
        ...Object.fromEntries(history),
        rate: Float32Array.of(0.1),
        decay: Float32Array.of(0.01),
        scale: Float32Array.of(0.5),
      });
      await using updater = new Updater(layout, update, { threads: 1 });
      const { weights } = buffers;
      await updater.apply(buffers, { rate: 0.1, decay: 0.01, scale: 0.5 });
      expect(weights).to.deep.equal(expected["new/w"]);
      buffers.history.forEach((each, slot) => {
        expect(each).to.deep.equal(expected[`new/h${slot}`]);
      });
    });
  }
});
