import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Solver, train } from "../../lib/index.js";
import { FASTER_RCNN, RFCN } from "../support/faster-rcnn.js";

const [ITERATIONS, WINDOW] = [200, 50];

describe("detectors by regions, trained end to end on shapes", () => {
  for (const [name, net] of [
    ["Faster R-CNN", FASTER_RCNN],
    ["R-FCN with OHEM", RFCN],
  ] as const)
    it(`${name}: the losses of both classifiers fall`, async function () {
      this.timeout(300_000);
      const folder = mkdtempSync(join(tmpdir(), "netrun-regions-"));
      try {
        writeFileSync(join(folder, "net.prototxt"), net);
        const solver = join(folder, "solver.prototxt");
        const text = `net: "${folder}/net.prototxt" type: "Adam" base_lr: 0.002 lr_policy: "fixed" max_iter: ${ITERATIONS} display: 1
          snapshot_after_train: false snapshot_prefix: "${folder}/s"`;
        writeFileSync(solver, text);
        await using training = await Solver.load(solver, { data: "netrun:shapes/train" });
        const losses: Record<string, number[]> = {};
        for await (const event of train(training)) {
          if (event.kind !== "iteration") continue;
          for (const [blob, [value]] of Object.entries(event.outputs)) losses[blob] = [...(losses[blob] ?? []), value!];
        }
        const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
        const change = (blob: string) => mean(losses[blob]!.slice(-WINDOW)) / mean(losses[blob]!.slice(0, WINDOW));
        expect(Object.keys(losses).sort()).to.deep.equal(["loss_bbox", "loss_cls", "rpn_cls_loss", "rpn_loss_bbox"]);
        expect(Object.values(losses).flat().every(Number.isFinite)).to.equal(true);
        expect(change("rpn_cls_loss")).to.be.lessThan(0.5);
        expect(change("rpn_loss_bbox")).to.be.lessThan(0.6);
        expect(change("loss_cls")).to.be.lessThan(0.95);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
});
