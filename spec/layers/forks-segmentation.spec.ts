import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { at, expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal, tensor } from "../support/net.js";

const [N, C, H, W] = [2, 4, 3, 5];
const x = noise(1, [N, C, H, W]);
/** Class 3 is nowhere in the labels; 255 is not known. */
const labels = tensor(
  Array.from({ length: N * H * W }, (_, i) => [0, 1, 2, 255, 0, 1, 1][i % 7]!),
  [N, 1, H, W],
);

/** Confusion counts of classes. */
function confusion(from: number, to: number): readonly number[][] {
  const table = Array.from({ length: C }, () => Array<number>(C).fill(0));
  for (let n = from; n < to; n++)
    for (let i = 0; i < H; i++)
      for (let j = 0; j < W; j++) {
        const label = labels.data[(n * H + i) * W + j]!;
        if (label === 255) continue;
        const scores = Array.from({ length: C }, (_, c) => at(x)(n, c, i, j));
        table[label]![scores.indexOf(Math.max(...scores))]!++;
      }
  return table;
}

/** ConfusionMatrix's scores, and those of each class. */
function scores(table: readonly number[][]) {
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const right = table.map((row, c) => row[c]!);
  const own = table.map(sum);
  const taken = table.map((_, c) => sum(table.map((row) => row[c]!)));
  const iou = right.map((v, c) => (own[c]! + taken[c]! === 2 * v ? 1 : v / (own[c]! + taken[c]! - v)));
  const recalls = right.flatMap((v, c) => (own[c]! > 0 ? [v / own[c]!] : []));
  return { three: [sum(right) / sum(own), sum(recalls) / recalls.length, sum(iou) / C], iou };
}

describe("segmentation of Caffe's forks, against plain loops", () => {
  it("SegAccuracy has the shares of pixels and classes, and intersection over union", async () => {
    const text = `${inputLayer("x", N, C, H, W)}${inputLayer("t", N, 1, H, W)}
      layer { name: "l" type: "SegAccuracy" bottom: "x" bottom: "t" top: "y" top: "each" seg_accuracy_param { ignore_label: 255 } }`;
    await using net = await Net.load(text);
    const { three, iou } = scores(confusion(0, N));
    for (let round = 0; round < 2; round++) {
      const { y, each } = await net.forward({ x, t: labels });
      expectClose({ net: y! }, [1, 1, 1, 3], three);
      expectClose({ net: each! }, [C], iou);
    }
  });

  it("SegAccuracy continues counting with reset: false", async () => {
    const text = `${inputLayer("x", 1, C, H, W)}${inputLayer("t", 1, 1, H, W)}
      layer { name: "l" type: "SegAccuracy" bottom: "x" bottom: "t" top: "y" seg_accuracy_param { ignore_label: 255 reset: false } }`;
    await using net = await Net.load(text, { name: "net", phase: "TRAIN" });
    const size = C * H * W;
    for (let n = 0; n < N; n++) {
      const { y } = await net.forward({
        x: { shape: [1, C, H, W], data: x.data.slice(n * size, (n + 1) * size) },
        t: { shape: [1, 1, H, W], data: labels.data.slice(n * H * W, (n + 1) * H * W) },
      });
      expectClose({ net: y! }, [1, 1, 1, 3], scores(confusion(0, n + 1)).three);
    }
  });

  it("SegAccuracy of equal scores takes the last class", async () => {
    const text = `${inputLayer("x", 1, 3, 1, 1)}${inputLayer("t", 1, 1, 1, 1)}
      layer { name: "l" type: "SegAccuracy" bottom: "x" bottom: "t" top: "y" top: "each" }`;
    await using net = await Net.load(text);
    const { each } = await net.forward({ x: tensor([2, 2, 1], [1, 3, 1, 1]), t: tensor([1], [1, 1, 1, 1]) });
    expectClose({ net: each! }, [3], [1, 1, 1]);
  });

  it("SoftmaxWithLoss weighs predictions by their labels' classes, and divides by their number", async () => {
    const weights = [0.5, 2, 1, 7];
    let [sum, valid] = [0, 0];
    for (let n = 0; n < N; n++)
      for (let i = 0; i < H; i++)
        for (let j = 0; j < W; j++) {
          const label = labels.data[(n * H + i) * W + j]!;
          if (label === 255) continue;
          const exps = Array.from({ length: C }, (_, c) => Math.exp(at(x)(n, c, i, j)));
          sum -= weights[label]! * Math.log(exps[label]! / exps.reduce((a, b) => a + b));
          valid++;
        }
    const list = weights.map((weight) => `class_weighting: ${weight}`).join(" ");
    const loss = (fields: string) =>
      run(`type: "SoftmaxWithLoss" loss_param { ignore_label: 255 weight_by_label_freqs: true ${fields} }`, [
        x,
        labels,
      ]);
    expectClose((await loss(list))[0], [], [sum / valid]);
    expectClose((await loss(`${list} normalize: false`))[0], [], [sum / N]);
    const text = `${inputLayer("x", 2, 3)}${inputLayer("t", 2)}
      layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "y" loss_param { weight_by_label_freqs: true class_weighting: 1 } }`;
    expect(refusal(text)).to.contain("1 class_weighting for 3 classes");
  });

  it("ChannelNorm is the length over channels, and has a gradient of 0 at 0", async () => {
    const z = { ...x, data: x.data.slice() };
    for (let c = 0; c < C; c++) z.data[c * H * W] = 0;
    const text = `${inputLayer("x", N, C, H, W)} layer { name: "l" type: "ChannelNorm" bottom: "x" top: "y" }`;
    await using net = await Net.load(text);
    const { y } = await net.forward({ x: z });
    const lengths = Array.from({ length: N * H * W }, (_, i) =>
      Math.hypot(...[0, 1, 2, 3].map((c) => z.data[(Math.floor(i / (H * W)) * C + c) * H * W + (i % (H * W))]!)),
    );
    expectClose({ net: y! }, [N, 1, H, W], lengths);
    const { x: dx } = await net.backward({ y: { shape: [N, 1, H, W], data: new Float32Array(N * H * W).fill(1) } });
    expect(dx!.data[0]).to.equal(0);
    expect(dx!.data[1]).to.be.closeTo(z.data[1]! / lengths[1]!, 1e-5);
  });

  it("layers that need what netrun does not have are refused with a word", () => {
    for (const [type, reason] of [
      ["DenseCRF", "mean-field inference over all pairs of pixels"],
      ["MultiStageMeanfield", "mean-field inference over all pairs of pixels"],
      ["DataAugmentation", "draws geometry and colours anew"],
    ] as const)
      expect(
        refusal(`${inputLayer("x", 1, 3, 4, 4)} layer { name: "l" type: "${type}" bottom: "x" top: "y" }`),
      ).to.contain(reason);
  });
});
