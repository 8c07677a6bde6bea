import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** A net with all that is random or has state: mirror, crop, Dropout, BatchNorm; on the embedded digits. */
export const RESTLESS_NET = `
  name: "restless"
  layer {
    name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
    transform_param { scale: 0.00390625 mirror: true crop_size: 20 }
    data_param { source: "netrun:digits/train" batch_size: 24 }
  }
  layer {
    name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
    transform_param { scale: 0.00390625 crop_size: 20 }
    data_param { source: "netrun:digits/test" batch_size: 30 }
  }
  layer {
    name: "conv" type: "Convolution" bottom: "data" top: "conv"
    convolution_param { num_output: 4 kernel_size: 5 stride: 3 weight_filler { type: "xavier" } }
  }
  layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
  layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
  layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" dropout_param { dropout_ratio: 0.4 } }
  layer {
    name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
    inner_product_param { num_output: 10 weight_filler { type: "xavier" } }
  }
  layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;

/** Writes the restless net and a solver for it into a folder; the solver's path. */
export function writeRestless(folder: string, fields: string, tests = "test_iter: 2 test_interval: 5"): string {
  writeFileSync(join(folder, "net.prototxt"), RESTLESS_NET);
  const solver = join(folder, "solver.prototxt");
  writeFileSync(
    solver,
    `net: "${join(folder, "net.prototxt")}" ${tests} test_initialization: false
     base_lr: 0.05 lr_policy: "multistep" gamma: 0.5 stepvalue: 7 stepvalue: 13 momentum: 0.9 weight_decay: 0.001
     display: 5 average_loss: 7 random_seed: 3 snapshot_prefix: "${join(folder, "snap")}" ${fields}`,
  );
  return solver;
}
