import { expect } from "chai";
import { Net, type Tensor } from "../../lib/api/net.js";
import { inputLayer } from "../support/net.js";
import { prng } from "../support/prng.js";

const [BATCH, SIDE, SHAPES] = [8, 64, 2];

const conv = (name: string, bottom: string, outputs: number, stride: number) => `
  layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}"
    convolution_param { num_output: ${outputs} kernel_size: 3 pad: 1 stride: ${stride} weight_filler { type: "msra" } } }`;
const relu = (name: string) => `layer { name: "${name}/relu" type: "ReLU" bottom: "${name}" top: "${name}" }`;
const rows = (name: string) => `
  layer { name: "${name}/perm" type: "Permute" bottom: "${name}" top: "${name}/perm" permute_param { order: 0 order: 2 order: 3 order: 1 } }
  layer { name: "${name}/flat" type: "Flatten" bottom: "${name}/perm" top: "${name}/flat" }`;

/** A small SSD of one feature map: background, squares and discs. */
const NET = `
  ${inputLayer("data", BATCH, 3, SIDE, SIDE)}
  layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 1 dim: 1 dim: ${BATCH * SHAPES} dim: 8 } } include { phase: TRAIN } }
  ${conv("c1", "data", 16, 2)} ${relu("c1")} ${conv("c2", "c1", 32, 2)} ${relu("c2")} ${conv("c3", "c2", 32, 2)} ${relu("c3")}
  ${conv("c4", "c3", 32, 1)} ${relu("c4")} ${conv("loc", "c4", 8, 1)} ${conv("conf", "c4", 6, 1)} ${rows("loc")} ${rows("conf")}
  layer { name: "prior" type: "PriorBox" bottom: "c4" bottom: "data" top: "prior"
    prior_box_param { min_size: 16 max_size: 28 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 } }
  layer { name: "loss" type: "MultiBoxLoss" bottom: "loc/flat" bottom: "conf/flat" bottom: "prior" bottom: "label" top: "loss"
    multibox_loss_param { num_classes: 3 code_type: CENTER_SIZE } include { phase: TRAIN } }
  layer { name: "conf/rows" type: "Reshape" bottom: "conf/flat" top: "conf/rows" reshape_param { shape { dim: 0 dim: -1 dim: 3 } } include { phase: TEST } }
  layer { name: "prob" type: "Softmax" bottom: "conf/rows" top: "prob" softmax_param { axis: 2 } include { phase: TEST } }
  layer { name: "prob/flat" type: "Flatten" bottom: "prob" top: "prob/flat" include { phase: TEST } }
  layer { name: "found" type: "DetectionOutput" bottom: "loc/flat" bottom: "prob/flat" bottom: "prior" top: "found"
    detection_output_param { num_classes: 3 code_type: CENTER_SIZE nms_param { nms_threshold: 0.45 } keep_top_k: 20 confidence_threshold: 0.05 } include { phase: TEST } }`;

interface Drawn {
  readonly data: Tensor;
  /** Rows of (item, class, instance, x1, y1, x2, y2, difficult). */
  readonly label: Tensor;
}

/** Squares and discs on noise, a bright one in each half of the image. */
function draw(random: () => number): Drawn {
  const data = Float32Array.from({ length: BATCH * 3 * SIDE * SIDE }, () => 0.6 * (random() - 0.5));
  const label = new Float32Array(BATCH * SHAPES * 8);
  for (let n = 0; n < BATCH; n++)
    for (let k = 0; k < SHAPES; k++) {
      const size = 12 + Math.floor(random() * 14);
      const left = k * (SIDE / 2) + Math.floor(random() * (SIDE / 2 - size));
      const top = Math.floor(random() * (SIDE - size));
      const isDisc = random() < 0.5;
      for (let i = 0; i < size; i++)
        for (let j = 0; j < size; j++) {
          const away = Math.hypot(i - (size - 1) / 2, j - (size - 1) / 2);
          if (isDisc && away > size / 2) continue;
          for (let c = 0; c < 3; c++) data[((n * 3 + c) * SIDE + top + i) * SIDE + left + j]! += 1;
        }
      const corners = [left, top, left + size, top + size].map((v) => v / SIDE);
      label.set([n, isDisc ? 2 : 1, k, ...corners, 0], (n * SHAPES + k) * 8);
    }
  return { data: { shape: [BATCH, 3, SIDE, SIDE], data }, label: { shape: [1, 1, BATCH * SHAPES, 8], data: label } };
}

function overlap(a: readonly number[], b: readonly number[]): number {
  const area = ([x1, y1, x2, y2]: readonly number[]) => Math.max(0, x2! - x1!) * Math.max(0, y2! - y1!);
  const shared = area([Math.max(a[0]!, b[0]!), Math.max(a[1]!, b[1]!), Math.min(a[2]!, b[2]!), Math.min(a[3]!, b[3]!)]);
  return shared / (area(a) + area(b) - shared);
}

/** Adam on all parameters of a net. */
function optimiser(net: Net, rate: number) {
  const state = [...net.params.values()]
    .flat()
    .map(({ data }) => [new Float32Array(data.length), new Float32Array(data.length)] as const);
  let t = 0;
  return () => {
    t++;
    const scale = (rate * Math.sqrt(1 - 0.999 ** t)) / (1 - 0.9 ** t);
    [...net.params.values()].flat().forEach(({ data, diff }, p) => {
      const [m, v] = state[p]!;
      for (let i = 0; i < data.length; i++) {
        m[i] = 0.9 * m[i]! + 0.1 * diff[i]!;
        v[i] = 0.999 * v[i]! + 0.001 * diff[i]! ** 2;
        data[i]! -= (scale * m[i]!) / (Math.sqrt(v[i]!) + 1e-8);
      }
    });
  };
}

describe("a small SSD", () => {
  it("learns to find drawn squares and discs that it has not seen", async function () {
    this.timeout(300_000);
    await using train = await Net.load(NET, { name: "net", phase: "TRAIN" });
    const random = prng(11);
    const step = optimiser(train, 0.003);
    for (let i = 0; i < 400; i++) {
      await train.forward({ ...draw(random) });
      await train.backward({ loss: { shape: [], data: Float32Array.of(1) } });
      step();
    }
    await using test = await Net.load(NET, { name: "net", phase: "TEST" });
    for (const [layer, params] of test.params)
      params.forEach(({ data }, i) => {
        data.set(train.params.get(layer)![i]!.data);
      });
    const rightOf: { score: number; right: boolean }[] = [];
    let total = 0;
    for (let i = 0; i < 10; i++) {
      const { data, label } = draw(random);
      const { found } = await test.forward({ data });
      const truth = Array.from({ length: BATCH * SHAPES }, (_, k) => [...label.data.slice(8 * k, 8 * k + 8)]);
      total += truth.length;
      const taken = new Set<number>();
      const boxes = Array.from({ length: found!.shape[2]! }, (_, k) => [...found!.data.slice(7 * k, 7 * k + 7)]);
      for (const [item, kind, score, ...corners] of boxes.sort((a, b) => b[2]! - a[2]!)) {
        const hit = truth.findIndex(
          (row, k) => !taken.has(k) && row[0] === item && row[1] === kind && overlap(row.slice(3, 7), corners) >= 0.5,
        );
        if (hit >= 0) taken.add(hit);
        rightOf.push({ score: score!, right: hit >= 0 });
      }
    }
    // Average precision: the mean of precision where a box is found.
    let [hits, precision] = [0, 0];
    rightOf
      .sort((a, b) => b.score - a.score)
      .forEach(({ right }, k) => {
        if (right) precision += ++hits / (k + 1);
      });
    expect(precision / total).to.be.greaterThan(0.8);
  });
});
