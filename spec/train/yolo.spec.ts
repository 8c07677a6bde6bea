import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Solver, train } from "../../lib/index.js";
import { cacheIn } from "../support/cache.js";
import { freshFolder } from "../support/folder.js";

const biases = (...sizes: readonly number[]) => sizes.map((size) => `biases: ${size}`).join(" ");

describe("training YOLO's nets", () => {
  const folder = freshFolder();
  cacheIn(folder);

  /** A small net of a fork's own layers on shapes that netrun draws. */
  const net = (loss: string, found: string) => {
    const conv = (name: string, bottom: string, outputs: number, kernel: number, stride: number) =>
      `layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}"
        convolution_param { num_output: ${outputs} kernel_size: ${kernel} stride: ${stride} pad: ${Math.floor(kernel / 2)} weight_filler { type: "msra" } } }
      layer { name: "${name}/relu" type: "ReLU" bottom: "${name}" top: "${name}" relu_param { negative_slope: 0.1 } }`;
    const data = (phase: string, rows: string) => `layer { name: "data" type: "AnnotatedData" top: "data" top: "label"
      include { phase: ${phase} } transform_param { mean_value: 127 scale: 0.0078125 resize_param { height: 64 width: 64 } }
      data_param { source: "netrun:shapes/test" batch_size: 8 } annotated_data_param { ${rows} } }`;
    return `${data("TRAIN", "yolo_data_type: 1 yolo_data_jitter: 0.1")} ${data("TEST", "")}
      ${conv("c1", "data", 8, 5, 4)} ${conv("c2", "c1", 16, 3, 2)}
      layer { name: "out" type: "Convolution" bottom: "c2" top: "out" convolution_param { num_output: 16 kernel_size: 1 } }
      layer { name: "loss" ${loss} bottom: "out" bottom: "label" top: "loss" include { phase: TRAIN } }
      layer { name: "found" ${found} bottom: "out" top: "found" include { phase: TEST } }
      layer { name: "eval" type: "DetectionEvaluate" bottom: "found" bottom: "label" top: "eval" include { phase: TEST }
        detection_evaluate_param { num_classes: 4 overlap_threshold: 0.5 } }`;
  };

  // RegionLoss's delta is small where sigmoids are flat: its sum of squares need not fall at first.
  for (const [name, share, loss, found] of [
    [
      "v2",
      2,
      `type: "RegionLoss" region_loss_param { num_class: 3 num: 2 rescore: 0 thresh: 0.6 coord_scale: 1 ${biases(1.5, 1.5, 3, 3)} }`,
      `type: "YoloDetectionOutput" yolo_detection_output_param { num_classes: 3 num_box: 2 ${biases(1.5, 1.5, 3, 3)} }`,
    ],
    [
      "v3",
      0.6,
      `type: "Yolov3" yolov3_param { num_class: 3 num: 2 thresh: 0.6 coord_scale: 1 anchors_scale: 8 mask: 0 mask: 1 ${biases(12, 12, 24, 24)} }`,
      `type: "Yolov3DetectionOutput" yolov3_detection_output_param { num_classes: 3 num_box: 2 anchors_scale: 8 mask_group_num: 1 mask: 0 mask: 1 ${biases(12, 12, 24, 24)} }`,
    ],
  ] as const) {
    it(`${name} reads rows of centres, ${share < 1 ? "its loss falls" : "its loss stays finite"}, and a test gives mean average precision`, async () => {
      writeFileSync(join(folder(), "net.prototxt"), net(loss, found));
      const solver = `net: "${folder()}/net.prototxt" type: "Adam" base_lr: 0.003 lr_policy: "fixed" display: 1 max_iter: 40
        test_iter: 2 test_interval: 40 test_initialization: false snapshot_after_train: false random_seed: 1`;
      writeFileSync(join(folder(), "solver.prototxt"), solver);
      const losses: number[] = [];
      let score: number | undefined;
      await using loaded = await Solver.load(join(folder(), "solver.prototxt"), { threads: 1 });
      for await (const event of train(loaded)) {
        if (event.kind === "iteration") losses.push(event.loss);
        if (event.kind === "test") [score] = event.outputs["eval"]!;
      }
      const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
      expect(mean(losses.slice(-5))).to.be.below(share * mean(losses.slice(0, 5)));
      expect(score).to.be.within(0, 1);
    });
  }
});
