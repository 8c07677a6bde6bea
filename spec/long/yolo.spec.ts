import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Solver } from "../../lib/index.js";

const biases = [1.5, 1.5, 2.5, 2.5, 4, 4].map((size) => `biases: ${size}`).join(" ");

const conv = (name: string, bottom: string, outputs: number, stride: number) => `
  layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}"
    convolution_param { num_output: ${outputs} kernel_size: 3 pad: 1 stride: ${stride} weight_filler { type: "msra" } } }
  layer { name: "${name}/bn" type: "BatchNorm" bottom: "${name}" top: "${name}" batch_norm_param { scale_bias: true } }
  layer { name: "${name}/relu" type: "ReLU" bottom: "${name}" top: "${name}" relu_param { negative_slope: 0.1 } }`;

const data = (phase: string, set: string, rows: string) => `
  layer { name: "data" type: "AnnotatedData" top: "data" top: "label" include { phase: ${phase} }
    transform_param { mean_value: 127 scale: 0.0078125 mirror: ${phase === "TRAIN"} resize_param { height: 64 width: 64 } emit_constraint { emit_type: CENTER } }
    data_param { source: "netrun:shapes/${set}" batch_size: 32 } annotated_data_param { ${rows} } }`;

const NET = `${data("TRAIN", "train", "yolo_data_type: 1 yolo_data_jitter: 0.2")} ${data("TEST", "test", "")}
  ${conv("c1", "data", 16, 1)} ${conv("c2", "c1", 32, 2)} ${conv("c3", "c2", 48, 2)} ${conv("c4", "c3", 64, 2)} ${conv("c5", "c4", 96, 1)} ${conv("c6", "c5", 96, 1)}
  layer { name: "out" type: "Convolution" bottom: "c6" top: "out" convolution_param { num_output: 24 kernel_size: 1 weight_filler { type: "msra" } } }
  layer { name: "loss" type: "RegionLoss" bottom: "out" bottom: "label" top: "loss" include { phase: TRAIN }
    region_loss_param { num_class: 3 num: 3 rescore: 0 object_scale: 5 noobject_scale: 1 coord_scale: 1 thresh: 0.6 ${biases} } }
  layer { name: "found" type: "YoloDetectionOutput" bottom: "out" top: "found" include { phase: TEST }
    yolo_detection_output_param { num_classes: 3 num_box: 3 ${biases} } }
  layer { name: "eval" type: "DetectionEvaluate" bottom: "found" bottom: "label" top: "eval" include { phase: TEST }
    detection_evaluate_param { num_classes: 4 overlap_threshold: 0.5 } }`;

describe("a small YOLO v2", () => {
  it("reaches a mean average precision of 0.7 on shapes that it was not trained on", async () => {
    const folder = mkdtempSync(join(tmpdir(), "netrun-yolo-"));
    try {
      writeFileSync(join(folder, "net.prototxt"), NET);
      writeFileSync(
        join(folder, "solver.prototxt"),
        `net: "net.prototxt" type: "Adam" base_lr: 0.002 lr_policy: "multistep" gamma: 0.2 stepvalue: 350 max_iter: 500 test_iter: 10
          test_interval: 1000 weight_decay: 0.0005 ap_version: "11point" random_seed: 1`,
      );
      await using solver = await Solver.load(join(folder, "solver.prototxt"));
      await solver.step(450);
      expect((await solver.test())["eval"]).to.be.greaterThan(0.7);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
