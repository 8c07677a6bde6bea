import { readFileSync } from "node:fs";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { inputLayer, tensor } from "../support/net.js";
import { prng } from "../support/prng.js";
import { describeShared, sharedPath } from "../support/shared.js";

const LOSSES = ["rpn_cls_loss", "rpn_loss_bbox", "loss_cls", "loss_bbox"] as const;

/** The published training net with inputs in the place of its Python data layer, and an eighth or less of its channels. */
function trainingNet(): string {
  const path = "faster_rcnn/models+pascal_voc+VGG_CNN_M_1024+faster_rcnn_end2end+train.prototxt";
  const text = readFileSync(sharedPath("zoo", "prototxt", path), "utf8");
  const behindData = text.indexOf("layer {", text.indexOf("RoIDataLayer"));
  const inputs = [inputLayer("data", 1, 3, 256, 320), inputLayer("im_info", 1, 3), inputLayer("gt_boxes", 2, 5)];
  const narrow = text
    .slice(behindData)
    .replace(/num_output: (4096|1024)/g, "num_output: 64")
    .replace(/num_output: (512|256)/g, "num_output: 32");
  return `${inputs.join("")} ${narrow}`;
}

describeShared("Faster R-CNN end to end", () => {
  it("learns through both of its heads, with targets drawn anew for each forward", async function () {
    this.timeout(120_000);
    await using net = await Net.load(trainingNet(), { name: "net", phase: "TRAIN" });
    const random = prng(5);
    for (const [weights] of net.params.values()) {
      const fan = weights!.data.length / weights!.shape[0]!;
      weights!.data.set(weights!.data.map(() => (2 * random() - 1) * Math.sqrt(3 / fan) * 0.7));
    }
    const data = { shape: [1, 3, 256, 320], data: Float32Array.from({ length: 3 * 256 * 320 }, () => random() - 0.5) };
    const boxes = tensor([30, 40, 180, 200, 7, 160, 100, 300, 240, 3], [2, 5]);
    const feeds = { data, im_info: tensor([256, 320, 1], [1, 3]), gt_boxes: boxes };
    const drawn = new Set<string>();
    for (let round = 0; round < 2; round++) {
      const blobs = await net.forward(feeds);
      for (const loss of LOSSES) expect(blobs[loss]!.data[0], loss).to.be.within(0, 20);
      expect(blobs["rois"]!.shape).to.deep.equal([128, 5]);
      drawn.add(blobs["rois"]!.data.join());
      await net.backward(Object.fromEntries(LOSSES.map((loss) => [loss, tensor([1], [])])));
      for (const layer of ["conv5", "rpn_conv/3x3", "rpn_bbox_pred", "fc6", "cls_score", "bbox_pred"]) {
        const { diff } = net.params.get(layer)![0]!;
        expect(diff.every(Number.isFinite), layer).to.equal(true);
        expect(
          diff.some((value) => value !== 0),
          layer,
        ).to.equal(true);
      }
    }
    expect(drawn.size).to.equal(2);
  });
});
