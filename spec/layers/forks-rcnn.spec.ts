import { expect } from "chai";
import { Net, type Tensor } from "../../lib/api/net.js";
import { loadNet } from "../../lib/caffe/load.js";
import { convert } from "../../lib/convert/index.js";
import { inspectNet } from "../../lib/inspect/index.js";
import { at, expectClose, filled, noise, run } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

type Box = readonly number[];

/** Intersection over union of boxes whose far corners belong to them. */
function iou(a: Box, b: Box): number {
  const size = (from: number, to: number) => Math.max(0, to - from + 1);
  const area = (box: Box) => size(box[0]!, box[2]!) * size(box[1]!, box[3]!);
  const shared =
    size(Math.max(a[0]!, b[0]!), Math.min(a[2]!, b[2]!)) * size(Math.max(a[1]!, b[1]!), Math.min(a[3]!, b[3]!));
  return shared / (area(a) + area(b) - shared);
}

/** Offsets from a box to another. */
function offsets(from: Box, to: Box): readonly number[] {
  const size = (box: Box, i: number) => box[i + 2]! - box[i]! + 1;
  const centre = (box: Box, i: number) => box[i]! + size(box, i) / 2;
  return [
    ...[0, 1].map((i) => (centre(to, i) - centre(from, i)) / size(from, i)),
    ...[0, 1].map((i) => Math.log(size(to, i) / size(from, i))),
  ];
}

const truth = [
  [10, 20, 120, 110, 3],
  [100, 90, 190, 200, 1],
  [60, 5, 90, 30, 2],
];

describe("Faster R-CNN's targets, against plain loops", () => {
  // The anchors of scale 4 and 8, as generate_anchors gives them.
  const anchors = [4, 8].flatMap((scale) =>
    [
      [23, 12],
      [16, 16],
      [11, 22],
    ].map(([w, h]) => {
      const [sw, sh] = [w! * scale, h! * scale];
      return [7.5 - (sw - 1) / 2, 7.5 - (sh - 1) / 2, 7.5 + (sw - 1) / 2, 7.5 + (sh - 1) / 2];
    }),
  );
  // By ratios first, then scales.
  const ordered = [0, 3, 1, 4, 2, 5].map((i) => anchors[i]!);
  const [h, w, a] = [14, 15, 6];
  const info = [225, 240, 1];

  it("AnchorTargetLayer labels anchors by their overlap, and draws 256 of them", async () => {
    const text = `${inputLayer("score", 1, 2 * a, h, w)}${inputLayer("boxes", 3, 5)}${inputLayer("info", 1, 3)}
      layer { name: "l" type: "Python" bottom: "score" bottom: "boxes" bottom: "info" top: "label" top: "target" top: "inside" top: "outside"
        python_param { module: "rpn.anchor_target_layer" layer: "AnchorTargetLayer" param_str: "'feat_stride': 16, 'scales': [4, 8], 'allowed_border': 8" } }`;
    const feeds = {
      score: noise(1, [1, 2 * a, h, w]),
      boxes: tensor(truth.flat(), [3, 5]),
      info: tensor(info, [1, 3]),
    };
    const { blobs } = await runText(text, feeds, { phase: "TRAIN" });
    const boxes: number[][] = [];
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++)
        for (const box of ordered) boxes.push(box.map((v, i) => v + 16 * (i % 2 === 0 ? x : y)));
    const isIn = boxes.map((b) => b[0]! >= -8 && b[1]! >= -8 && b[2]! < info[1]! + 8 && b[3]! < info[0]! + 8);
    const overlaps = boxes.map((box, i) => truth.map((gt) => (isIn[i] ? iou(box, gt) : -1)));
    const greatest = truth.map((_, j) => Math.max(...overlaps.map((row) => row[j]!)));
    const label = overlaps.map((row, i) => {
      if (!isIn[i]) return -1;
      if (row.some((v, j) => Math.abs(v - greatest[j]!) < 1e-6)) return 1;
      const most = Math.max(...row);
      return most >= 0.7 ? 1 : most < 0.3 ? 0 : -1;
    });
    const positives = label.filter((v) => v === 1).length;
    expect(positives).to.be.within(3, 128);
    expect(label.filter((v) => v === 0).length).to.be.greaterThan(256 - positives);
    const drawn = { 1: 0, 0: 0 };
    boxes.forEach((box, i) => {
      const [cell, k] = [Math.floor(i / a), i % a];
      const [y, x] = [Math.floor(cell / w), cell % w];
      const got = at(blobs["label"]!)(0, 0, k * h + y, x);
      // Positives are all taken; of the others as many as are drawn are labelled.
      if (label[i] === 1) expect(got, `anchor ${i}`).to.equal(1);
      else if (label[i] === 0) expect(got, `anchor ${i}`).to.be.oneOf([0, -1]);
      else expect(got, `anchor ${i}`).to.equal(-1);
      if (got >= 0) drawn[got as 0 | 1]++;
      const best = overlaps[i]!.indexOf(Math.max(...overlaps[i]!));
      const target = isIn[i] ? offsets(box, truth[best]!) : [0, 0, 0, 0];
      for (let j = 0; j < 4; j++) {
        expect(at(blobs["target"]!)(0, 4 * k + j, y, x), `target ${i}`).to.be.closeTo(target[j]!, 1e-4);
        expect(at(blobs["inside"]!)(0, 4 * k + j, y, x)).to.equal(got === 1 ? 1 : 0);
        expect(at(blobs["outside"]!)(0, 4 * k + j, y, x)).to.be.closeTo(got >= 0 ? 1 / 256 : 0, 1e-7);
      }
    });
    expect(drawn).to.deep.equal({ 1: positives, 0: 256 - positives });
  });

  const sampler = (rows: number, classes: number) => `${inputLayer("rois", rows, 5)}${inputLayer("boxes", 3, 5)}
    layer { name: "l" type: "Python" bottom: "rois" bottom: "boxes" top: "out" top: "label" top: "target" top: "inside" top: "outside"
      python_param { module: "rpn.proposal_target_layer" layer: "ProposalTargetLayer" param_str: "'num_classes': ${classes}" } }`;

  for (const rows of [40, 300]) {
    it(`ProposalTargetLayer samples ${rows} proposals and gives targets for their classes`, async () => {
      const classes = 4;
      const corner = noise(7, [rows, 4], 0, 1).data;
      const proposals = Array.from({ length: rows }, (_, i) => {
        const near = truth[i % 3]!;
        const far = i % 2 === 0 ? 12 : 150;
        const [x, y] = [near[0]! + far * corner[4 * i]!, near[1]! + far * corner[4 * i + 1]!];
        return [0, x, y, x + near[2]! - near[0]!, y + near[3]! - near[1]!].map(Math.fround);
      });
      const feeds = { rois: tensor(proposals.flat(), [rows, 5]), boxes: tensor(truth.flat(), [3, 5]) };
      const { blobs } = await runText(sampler(rows, classes), feeds, { phase: "TRAIN" });
      const all = [...proposals, ...truth.map((gt) => [0, ...gt.slice(0, 4)])];
      const best = all.map((box) => Math.max(...truth.map((gt) => iou(box.slice(1), gt))));
      const [near, far] = [best.filter((v) => v >= 0.5).length, best.filter((v) => v < 0.5).length];
      const positives = Math.min(32, near);
      const total = positives + Math.min(128 - positives, far);
      expect(blobs["out"]!.shape).to.deep.equal([total, 5]);
      expect(blobs["label"]!.shape).to.deep.equal([total]);
      const seen = new Set<number>();
      for (let i = 0; i < total; i++) {
        const box = [...blobs["out"]!.data.slice(5 * i, 5 * i + 5)];
        const from = all.findIndex((other, k) => !seen.has(k) && other.every((v, j) => v === box[j]));
        expect(from, `row ${i} is a proposal that is not there yet`).to.be.at.least(0);
        seen.add(from);
        const overlaps = truth.map((gt) => iou(box.slice(1), gt));
        const gt = truth[overlaps.indexOf(Math.max(...overlaps))]!;
        expect(best[from]! >= 0.5).to.equal(i < positives);
        const label = i < positives ? gt[4]! : 0;
        expect(blobs["label"]!.data[i]).to.equal(label);
        const target = offsets(box.slice(1), gt).map((v, k) => v / [0.1, 0.1, 0.2, 0.2][k]!);
        for (let k = 0; k < 4 * classes; k++) {
          const own = label > 0 && Math.floor(k / 4) === label;
          expect(blobs["target"]!.data[4 * classes * i + k]).to.be.closeTo(own ? target[k % 4]! : 0, 2e-4);
          expect(blobs["inside"]!.data[4 * classes * i + k]).to.equal(Number(own));
          expect(blobs["outside"]!.data[4 * classes * i + k]).to.equal(Number(own));
        }
      }
    });
  }

  it("ProposalTargetLayer wants num_classes, and AnchorTargetLayer boxes of five numbers", () => {
    expect(refusal(sampler(8, 4).replace("'num_classes': 4", ""), "TRAIN")).to.contain("does not give num_classes");
    const text = sampler(8, 4).replace("dim: 3 dim: 5", "dim: 3 dim: 4");
    expect(refusal(text, "TRAIN")).to.contain("are not boxes [g, 5]");
  });

  it("AnchorTargetLayer of a module with other anchors, such as CTPN's ten, is refused, and its labels' shape is known", async () => {
    const text = `${inputLayer("score", 1, 20, h, w)}${inputLayer("boxes", 3, 5)}${inputLayer("info", 1, 3)}
      layer { name: "l" type: "Python" bottom: "score" bottom: "boxes" bottom: "info" top: "label" top: "target"
        python_param { module: "rpn.anchor_target_layer" layer: "AnchorTargetLayer" param_str: "'feat_stride': 16" } }`;
    const why = 'layer "l": bottom "score" [1,20,14,15] scores 10 anchors a cell, and netrun\'s layer has 9';
    expect(refusal(text, "TRAIN")).to.contain(why);
    const { layers, notes } = await inspectNet(loadNet(text).message, { phase: "TRAIN", baseDir: "." });
    expect(layers.at(-1)!.tops).to.deep.equal([
      { name: "label", shape: [1, 1, 140, 15] },
      { name: "target", shape: undefined },
    ]);
    expect(notes[0]).to.contain(why);
  });
});

describe("R-FCN's losses with hard examples, against plain loops", () => {
  it("SmoothL1LossOHEM outputs the loss of each place", async () => {
    const [x, t, weights] = [1, 2, 3].map((seed) => noise(seed, [2, 3, 2, 1], -2, 2)) as [Tensor, Tensor, Tensor];
    const each = [...x.data].map((v, i) => {
      const d = Math.abs((v - t.data[i]!) * weights.data[i]!);
      return d < 1 ? (d * d) / 2 : d - 0.5;
    });
    const sum = each.reduce((a, b) => a + b);
    const places = [0, 1, 2, 3].map((i) =>
      [0, 1, 2].reduce((s, c) => s + each[Math.floor(i / 2) * 6 + 2 * c + (i % 2)]!, 0),
    );
    const [loss, per] = await run(`type: "SmoothL1LossOHEM" loss_weight: 1 loss_weight: 0`, [x, t, weights], [], 2);
    expectClose(loss, [], [sum / 4]);
    expectClose(per, [2, 1, 2, 1], places);
    const [none] = await run(`type: "SmoothL1LossOHEM" loss_param { normalization: NONE }`, [x, t, weights]);
    expectClose(none, [], [sum]);
  });

  it("SmoothL1LossOHEM takes targets and weights of regions [n, c] for predictions [n, c, 1, 1]", async () => {
    const values = [1, 2, 3].map((seed) => noise(seed, [3, 8], -2, 2)) as [Tensor, Tensor, Tensor];
    const [x, t, weights] = values;
    const maps = values.map(({ data }) => tensor([...data], [3, 8, 1, 1])) as [Tensor, Tensor, Tensor];
    const type = `type: "SmoothL1LossOHEM" loss_weight: 1 loss_weight: 0`;
    const [loss, places] = await run(type, maps, [], 2);
    const [same, samePlaces] = await run(type, [maps[0], t, weights], [], 2);
    expectClose(same, [], [...loss!.net.data]);
    expectClose(samePlaces, [3, 1, 1, 1], [...places!.net.data]);
    const [flat] = await run(type, [x, t, maps[2]], [], 2);
    expectClose(flat, [], [...loss!.net.data]);
  });

  it("SoftmaxWithLossOHEM outputs the loss of each prediction, 0 for ignored labels", async () => {
    const x = noise(4, [3, 4], -2, 2);
    const labels = tensor([1, -1, 3]);
    const softmax = [0, 1, 2].map((i) => {
      const exps = [...x.data.slice(4 * i, 4 * i + 4)].map(Math.exp);
      const total = exps.reduce((a, b) => a + b);
      return exps.map((v) => v / total);
    });
    const each = [-Math.log(softmax[0]![1]!), 0, -Math.log(softmax[2]![3]!)];
    const [loss, prob, per] = await run(
      `type: "SoftmaxWithLossOHEM" loss_weight: 1 loss_weight: 0 loss_weight: 0 loss_param { ignore_label: -1 }`,
      [x, labels],
      [],
      3,
    );
    expectClose(loss, [], [(each[0]! + each[2]!) / 2]);
    expectClose(prob, [3, 4], softmax.flat());
    expectClose(per, [3, 1, 1, 1], each);
  });

  it("BoxAnnotatorOHEM keeps the boxes of the greatest loss of each image, the first of equals", async () => {
    const items = [0, 1, 0, 0, 1, 0];
    const losses = [0.5, 2, 0.7, 0.1, 3, 0.7];
    const rois = tensor(
      items.flatMap((item) => [item, 0, 0, 5, 5]),
      [6, 5],
    );
    const labels = tensor([1, 2, 3, 4, 5, 6]);
    const weights = noise(5, [6, 2, 1, 1]);
    const [label, weight] = await run(
      `type: "BoxAnnotatorOHEM" box_annotator_ohem_param { roi_per_img: 1 ignore_label: -1 }`,
      [rois, tensor(losses, [6, 1, 1, 1]), labels, weights],
      [],
      2,
    );
    expectClose(label, [6, 1, 1, 1], [-1, -1, 3, -1, 5, -1]);
    expectClose(
      weight,
      [6, 2, 1, 1],
      [...weights.data].map((v, i) => ([2, 4].includes(i >> 1) ? v : 0)),
    );
    const [more] = await run(
      `type: "BoxAnnotatorOHEM" box_annotator_ohem_param { roi_per_img: 2 ignore_label: 9 }`,
      [rois, tensor(losses, [6, 1, 1, 1]), labels, weights],
      [],
      2,
    );
    expectClose(more, [6, 1, 1, 1], [9, 2, 3, 9, 5, 6]);
  });
});

describe("ROIAlign and DiceLoss, against plain loops", () => {
  it("ROIAlign averages bilinear samples of each cell", async () => {
    const x = noise(4, [2, 2, 6, 8]);
    const boxes = [
      [0, 0, 0, 14, 10],
      [1, 3, 4, 9, 7],
      [1, 5, 5, 5.5, 5.5],
      [0, 13, -9, 29, 6],
      // Larger than the blob, so that cells have more entries than it.
      [1, -20, -30, 60, 70],
    ];
    const sample = (item: number, c: number, y: number, x0: number) => {
      if (y < -1 || y > 6 || x0 < -1 || x0 > 8) return 0;
      const [py, px] = [Math.min(5, Math.max(0, y)), Math.min(7, Math.max(0, x0))];
      const [top, left] = [Math.floor(py), Math.floor(px)];
      const [b, a] = [py - top, px - left];
      const p = (i: number, j: number) => at(x)(item, c, Math.min(5, i), Math.min(7, j));
      return (
        (1 - b) * ((1 - a) * p(top, left) + a * p(top, left + 1)) +
        b * ((1 - a) * p(top + 1, left) + a * p(top + 1, left + 1))
      );
    };
    for (const [param, ratio] of [
      ["roi_align_param { pooled_h: 3 pooled_w: 2 spatial_scale: 0.5 sampling_ratio: 2 }", 2],
      ["roi_align_param { pooled_h: 3 pooled_w: 2 spatial_scale: 0.5 }", 0],
      ["roi_pooling_param { pooled_h: 3 pooled_w: 2 spatial_scale: 0.5 }", 0],
    ] as const) {
      const value = (r: number, c: number, i: number, j: number) => {
        const [item, ...corners] = boxes[r]! as [number, number, number, number, number];
        const [x1, y1, x2, y2] = corners.map((v) => v * 0.5) as [number, number, number, number];
        const [bh, bw] = [Math.max(1, y2 - y1) / 3, Math.max(1, x2 - x1) / 2];
        const [down, across] = ratio > 0 ? [ratio, ratio] : [Math.ceil(bh), Math.ceil(bw)];
        let sum = 0;
        for (let iy = 0; iy < down; iy++)
          for (let ix = 0; ix < across; ix++)
            sum += sample(item, c, y1 + (i + (iy + 0.5) / down) * bh, x1 + (j + (ix + 0.5) / across) * bw);
        return sum / down / across;
      };
      const [y] = await run(`type: "ROIAlign" ${param}`, [x, tensor(boxes.flat(), [5, 5])]);
      expectClose(y, [5, 2, 3, 2], filled([5, 2, 3, 2], value));
    }
    const small = `${inputLayer("x", 1, 2, 4, 4)}${inputLayer("r", 1, 5)}
      layer { name: "l" type: "ROIAlign" bottom: "x" bottom: "r" top: "y" roi_align_param { pooled_h: 2 pooled_w: 2 } }`;
    for (const opset of [13, 21]) await convert(small, [], { opset });
    const text = `${inputLayer("x", 1, 2, 4, 4)}${inputLayer("r", 1, 5)}
      layer { name: "l" type: "ROIAlign" bottom: "x" bottom: "r" top: "y" }`;
    expect(refusal(text)).to.contain("pooled_h and pooled_w must be greater than 0");
  });

  it("DiceLoss compares where classes are most probable with labels, and has its authors' gradient", async () => {
    const [n, c, places] = [2, 3, 5];
    const x = noise(6, [n, c, places], 0, 1);
    // The first item lacks class 2.
    const labels = tensor([0, 1, 1, 0, 1, 2, 2, 0, 1, 0], [n, places]);
    const text = `${inputLayer("x", n, c, places)}${inputLayer("t", n, places)}
      layer { name: "l" type: "DiceLoss" bottom: "x" bottom: "t" top: "y" loss_weight: 0.5 }`;
    const ran = await runText(text, { x, t: labels }, { seeds: { y: tensor([0.5], []) } });
    const of = (i: number, k: number, p: number) => x.data[(i * c + k) * places + p]!;
    const dx = new Float64Array(n * c * places);
    let [sum, found] = [0, 0];
    for (let i = 0; i < n; i++) {
      const predicted = Array.from({ length: places }, (_, p) =>
        [0, 1, 2].reduce((b, k) => (of(i, k, p) > of(i, b, p) ? k : b), 0),
      );
      const own = [...labels.data.slice(i * places, (i + 1) * places)];
      for (let k = 1; k < c; k++) {
        if (!own.includes(k)) continue;
        const inner = own.filter((label, p) => label === k && predicted[p] === k).length;
        const outer =
          own.filter((label) => label === k).length + predicted.filter((label) => label === k).length + 1e-5;
        sum += (2 * inner) / outer;
        found++;
        for (let p = 0; p < places; p++) {
          const d = 2 * (Number(own[p] === k) / outer - (2 * of(i, k, p) * inner) / outer ** 2);
          dx[(i * c + k) * places + p]! -= d;
          dx[i * c * places + p]! += d;
        }
      }
    }
    expect(found).to.equal(3);
    expectClose({ net: ran.blobs["y"]! }, [], [sum / found]);
    expectClose({ net: ran.gradients["x"]! }, [n, c, places], dx);
  });

  it("V-Net's Python DiceLoss compares class 1 with labels above 0.5, and has its authors' gradient", async () => {
    const [n, places] = [3, 4];
    const x = noise(7, [n, 2, places], 0, 1);
    // The last item has no object, and none is predicted.
    for (let p = 0; p < places; p++) x.data[(2 * 2 + 1) * places + p] = -1;
    const labels = tensor([0, 1, 1, 0, 1, 0.4, 0.6, 1, 0, 0, 0, 0], [n, places]);
    const text = `${inputLayer("x", n, 2, places)}${inputLayer("t", n, places)}
      layer { name: "l" type: "Python" bottom: "x" bottom: "t" top: "y" python_param { module: "pyLayer" layer: "DiceLoss" } loss_weight: 1 }`;
    const ran = await runText(text, { x, t: labels }, { seeds: {} });
    const of = (i: number, k: number, p: number) => x.data[(i * 2 + k) * places + p]!;
    const dx = new Float64Array(n * 2 * places);
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const own = [...labels.data.slice(i * places, (i + 1) * places)].map((label) => Number(label > 0.5));
      const predicted = own.map((_, p) => Number(of(i, 1, p) > of(i, 0, p)));
      const size = own.reduce((a, b) => a + b, 0) + predicted.reduce((a, b) => a + b, 0);
      const both = own.reduce((a, b, p) => a + b * predicted[p]!, 0);
      sum += (2 * both) / (size + 1e-5);
      for (let p = 0; size > 0 && p < places; p++) {
        const d = 2 * (own[p]! / size - (2 * of(i, 1, p) * both) / size ** 2);
        dx[i * 2 * places + p] = d;
        dx[(i * 2 + 1) * places + p] = -d;
      }
    }
    expectClose({ net: ran.blobs["y"]! }, [], [sum]);
    expectClose({ net: ran.gradients["x"]! }, [n, 2, places], dx);
  });
});

describe("Fast R-CNN's proposals in training", () => {
  it("are more than in tests, and nothing is trained through them", async () => {
    const [h, w] = [30, 30];
    const text = (
      phase: string,
    ) => `${inputLayer("s", 1, 18, h, w)}${inputLayer("d", 1, 36, h, w)}${inputLayer("i", 1, 3)}
      layer { name: "l" type: "Python" bottom: "s" bottom: "d" bottom: "i" top: "r"
        python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: "'feat_stride': 16" } include { phase: ${phase} } }`;
    const feeds = {
      s: noise(1, [1, 18, h, w], 0, 1),
      d: noise(2, [1, 36, h, w], -0.2, 0.2),
      i: tensor([480, 480, 1], [1, 3]),
    };
    await using train = await Net.load(text("TRAIN"), { name: "net", phase: "TRAIN" });
    await using test = await Net.load(text("TEST"), { name: "net", phase: "TEST" });
    const [many, few] = [await train.forward(feeds), await test.forward(feeds)];
    expect(few["r"]!.shape[0]).to.equal(300);
    expect(many["r"]!.shape[0]).to.be.greaterThan(300);
    const { d } = await train.backward({
      r: { shape: many["r"]!.shape, data: new Float32Array(many["r"]!.data.length).fill(1) },
    });
    expect(d?.data.every((v) => v === 0) ?? true).to.equal(true);
  });
});
