import { expect } from "chai";
import type { Tensor } from "../../lib/api/net.js";
import { expectClose, noise } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

type Box = readonly [x1: number, y1: number, x2: number, y2: number];

/** Fields of MultiBoxLossParameter and of loss_param that change what is computed. */
interface Settings {
  readonly code_type?: "CORNER" | "CENTER_SIZE" | "CORNER_SIZE";
  readonly match_type?: "BIPARTITE" | "PER_PREDICTION";
  readonly overlap_threshold?: number;
  readonly mining_type?: "NONE" | "MAX_NEGATIVE" | "HARD_EXAMPLE";
  readonly sample_size?: number;
  readonly do_neg_mining?: boolean;
  readonly neg_pos_ratio?: number;
  readonly neg_overlap?: number;
  readonly conf_loss_type?: "SOFTMAX" | "LOGISTIC";
  readonly loc_loss_type?: "L2" | "SMOOTH_L1";
  readonly loc_weight?: number;
  readonly encode_variance_in_target?: boolean;
  readonly use_difficult_gt?: boolean;
  readonly ignore_cross_boundary_bbox?: boolean;
  readonly map_object_to_agnostic?: boolean;
  readonly background_label_id?: number;
  readonly classes?: number;
  readonly share_location?: boolean;
  readonly use_prior_for_matching?: boolean;
  readonly bp_inside?: boolean;
  readonly normalization?: "FULL" | "VALID" | "BATCH_SIZE" | "NONE";
}

const [ITEMS, GRID] = [3, 4];
const PRIORS = GRID * GRID * 2;

/** A square and a wide box for each cell of a grid, some of which reach out of the image. */
const priorBoxes: readonly Box[] = Array.from({ length: PRIORS }, (_, i) => {
  const [x, y] = [((i >> 1) % GRID) / GRID + 0.125, Math.floor(i / 2 / GRID) / GRID + 0.125];
  const [w, h] = i % 2 === 0 ? [0.3, 0.3] : [0.45, 0.2];
  return [x - w / 2, y - h / 2, x + w / 2, y + h / 2].map(Math.fround) as unknown as Box;
});
const VARIANCE = [0.1, 0.1, 0.2, 0.2].map(Math.fround);

/** Rows of (item, class, instance, box, difficult); the third item has none, and a row of item -1 is none. */
const truth = [
  [0, 1, 0, 0.05, 0.1, 0.4, 0.45, 0],
  [0, 2, 0, 0.1, 0.12, 0.42, 0.5, 0],
  [0, 1, 1, 0.5, 0.55, 0.95, 0.8, 0],
  [1, 2, 0, 0.3, 0.6, 0.62, 0.93, 1],
  [1, 1, 0, 0.55, 0.05, 0.98, 0.3, 0],
  [-1, -1, -1, -1, -1, -1, -1, -1],
];

function overlapOf(a: Box, b: Box): number {
  const size = (box: readonly number[]) => Math.max(0, box[2]! - box[0]!) * Math.max(0, box[3]! - box[1]!);
  const shared = [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
  const inner = shared[2]! > shared[0]! && shared[3]! > shared[1]! ? size(shared) : 0;
  return inner > 0 ? inner / (size(a) + size(b) - inner) : 0;
}

function encode(settings: Settings, prior: Box, box: Box): readonly number[] {
  const [pw, ph] = [prior[2] - prior[0], prior[3] - prior[1]];
  const by = (values: readonly number[]) =>
    settings.encode_variance_in_target ? values : values.map((v, k) => v / VARIANCE[k]!);
  switch (settings.code_type) {
    case "CENTER_SIZE": {
      const centre = (a: Box, i: 0 | 1) => (a[i] + a[i + 2]!) / 2;
      return by([
        (centre(box, 0) - centre(prior, 0)) / pw,
        (centre(box, 1) - centre(prior, 1)) / ph,
        Math.log((box[2] - box[0]) / pw),
        Math.log((box[3] - box[1]) / ph),
      ]);
    }
    case "CORNER_SIZE":
      return by(box.map((v, k) => (v - prior[k]!) / (k % 2 === 0 ? pw : ph)));
    default:
      return by(box.map((v, k) => v - prior[k]!));
  }
}

function decode(settings: Settings, prior: Box, given: readonly number[]): Box {
  const d = settings.encode_variance_in_target ? given : given.map((v, k) => v * VARIANCE[k]!);
  const [w, h] = [prior[2] - prior[0], prior[3] - prior[1]];
  switch (settings.code_type) {
    case "CENTER_SIZE": {
      const [x, y] = [(prior[0] + prior[2]) / 2 + d[0]! * w, (prior[1] + prior[3]) / 2 + d[1]! * h];
      const [dx, dy] = [(w * Math.exp(d[2]!)) / 2, (h * Math.exp(d[3]!)) / 2];
      return [x - dx, y - dy, x + dx, y + dy];
    }
    case "CORNER_SIZE":
      return d.map((v, k) => prior[k]! + v * (k % 2 === 0 ? w : h)) as unknown as Box;
    default:
      return d.map((v, k) => prior[k]! + v) as unknown as Box;
  }
}

/** Reference computation of SSD's Caffe, loop by loop: the loss, and its gradients in offsets and scores. */
function multiBox(settings: Settings, offsets: Tensor, scores: Tensor) {
  const { background_label_id: background = 0, classes = 3, overlap_threshold = 0.5, neg_overlap = 0.5 } = settings;
  const [dOffsets, dScores] = [new Float64Array(offsets.data.length), new Float64Array(scores.data.length)];
  let [location, confidence, matches] = [0, 0, 0];
  const mines = (settings.mining_type ?? (settings.do_neg_mining === false ? "NONE" : "MAX_NEGATIVE")) !== "NONE";
  for (let item = 0; item < ITEMS; item++) {
    const rows = truth.filter((row) => row[0] === item && (settings.use_difficult_gt !== false || row[7] === 0));
    const boxes = rows.map((row) => row.slice(3, 7).map(Math.fround) as unknown as Box);
    const isShared = settings.share_location !== false;
    const placeOf = (i: number, label: number) =>
      isShared ? (item * PRIORS + i) * 4 : ((item * PRIORS + i) * classes + label) * 4;
    const offsetsOf = (i: number, label = 0) =>
      [...offsets.data.slice(placeOf(i, label), placeOf(i, label) + 4)] as const;
    const compared =
      settings.use_prior_for_matching === false
        ? priorBoxes.map((prior, i) => decode(settings, prior, offsetsOf(i)))
        : priorBoxes;
    const barred = compared.map(
      (box) => settings.ignore_cross_boundary_bbox === true && box.some((v) => v < 0 || v > 1),
    );
    const overlaps = compared.map((prior, i) =>
      boxes.map((box) => (barred[i] || overlapOf(prior, box) <= 1e-6 ? 0 : overlapOf(prior, box))),
    );
    const match = priorBoxes.map(() => -1);
    const greatest = overlaps.map((row) => Math.max(0, ...row));
    const pool = new Set(boxes.keys());
    while (pool.size > 0) {
      let [prior, box, most] = [-1, -1, 0];
      for (let i = 0; i < PRIORS; i++) {
        if (match[i] !== -1) continue;
        for (const j of pool) if (overlaps[i]![j]! > most) [prior, box, most] = [i, j, overlaps[i]![j]!];
      }
      if (prior < 0) break;
      match[prior] = box;
      greatest[prior] = most;
      pool.delete(box);
    }
    if (settings.match_type !== "BIPARTITE")
      for (let i = 0; i < PRIORS; i++) {
        if (match[i] !== -1) continue;
        let most = 0;
        for (const [j, overlap] of overlaps[i]!.entries())
          if (overlap >= Math.fround(overlap_threshold) && overlap > most) [match[i], most] = [j, overlap];
      }
    const positives = match.filter((j) => j >= 0).length;
    const scoresOf = (i: number) => [
      ...scores.data.slice((item * PRIORS + i) * classes, (item * PRIORS + i + 1) * classes),
    ];
    const softmax = (row: readonly number[]) => {
      const exps = row.map(Math.exp);
      const sum = exps.reduce((a, b) => a + b);
      return exps.map((v) => v / sum);
    };
    const isLogistic = settings.conf_loss_type === "LOGISTIC";
    const lossAs = (i: number, target: readonly number[]) =>
      isLogistic
        ? scoresOf(i).reduce((sum, v, c) => sum + Math.log1p(Math.exp(v)) - v * target[c]!, 0)
        : -Math.log(softmax(scoresOf(i))[target.indexOf(1)]!);
    const oneHot = (label: number) => Array.from({ length: classes }, (_, c) => Number(c === label));
    const labelOf = (box: Box) => rows[boxes.indexOf(box)]![1]!;
    const differences = (i: number, box: Box) =>
      encode(settings, priorBoxes[i]!, box).map((target, k) => {
        if (settings.bp_inside && (compared[i]![k]! < 0 || compared[i]![k]! > 1)) return 0;
        const scale = settings.encode_variance_in_target ? 1 / VARIANCE[k]! : 1;
        return (offsetsOf(i, labelOf(box))[k]! - target) * scale;
      });
    const isNear = (d: number) => settings.loc_loss_type === "L2" || Math.abs(d) < 1;
    const locationOf = (i: number, box: Box) =>
      differences(i, box).reduce((sum, d) => sum + (isNear(d) ? 0.5 * d * d : Math.abs(d) - 0.5), 0);
    const chosen = new Map<number, readonly number[]>();
    match.forEach((j, i) => {
      if (j < 0) return;
      chosen.set(i, oneHot(settings.map_object_to_agnostic ? background + 1 : rows[j]![1]!));
    });
    if (settings.mining_type === "HARD_EXAMPLE") {
      const total = (i: number) =>
        lossAs(i, chosen.get(i) ?? oneHot(background)) + (match[i]! < 0 ? 0 : locationOf(i, boxes[match[i]!]!));
      const order = [...priorBoxes.keys()].sort((a, b) => total(b) - total(a));
      const hard = new Set(boxes.length > 0 ? order.slice(0, settings.sample_size ?? 64) : []);
      for (const i of priorBoxes.keys()) {
        if (match[i]! >= 0 && !hard.has(i)) {
          match[i] = -1;
          chosen.delete(i);
        } else if (match[i] === -1 && hard.has(i) && !barred[i]) chosen.set(i, oneHot(background));
      }
    } else if (!mines) {
      for (let i = 0; i < PRIORS; i++) if (!chosen.has(i)) chosen.set(i, isLogistic ? oneHot(-1) : oneHot(background));
    } else if (boxes.length > 0) {
      const eligible = [...priorBoxes.keys()].filter(
        (i) => match[i] === -1 && !barred[i] && greatest[i]! < neg_overlap,
      );
      eligible.sort((a, b) => lossAs(b, oneHot(background)) - lossAs(a, oneHot(background)));
      const wanted = Math.min(Math.trunc(positives * (settings.neg_pos_ratio ?? 3)), eligible.length);
      for (const i of eligible.slice(0, wanted)) chosen.set(i, oneHot(background));
    }
    for (const [i, target] of chosen) {
      confidence += lossAs(i, target);
      const prob = isLogistic ? scoresOf(i).map((v) => 1 / (1 + Math.exp(-v))) : softmax(scoresOf(i));
      prob.forEach((v, c) => {
        dScores[(item * PRIORS + i) * classes + c] = v - target[c]!;
      });
    }
    match.forEach((j, i) => {
      if (j < 0) return;
      matches++;
      location += locationOf(i, boxes[j]!);
      for (const [k, d] of differences(i, boxes[j]!).entries()) {
        const scale = settings.encode_variance_in_target ? 1 / VARIANCE[k]! : 1;
        dOffsets[placeOf(i, labelOf(boxes[j]!)) + k] = (isNear(d) ? d : Math.sign(d)) * scale;
      }
    });
  }
  const by = Math.max(
    1,
    { FULL: ITEMS * PRIORS, VALID: matches, BATCH_SIZE: ITEMS, NONE: 1 }[settings.normalization ?? "VALID"],
  );
  const weight = settings.loc_weight ?? 1;
  return {
    matches,
    loss: (weight * location + confidence) / by,
    dOffsets: dOffsets.map((v) => (weight * v) / by),
    dScores: dScores.map((v) => v / by),
  };
}

const SETTINGS: readonly Settings[] = [
  { code_type: "CENTER_SIZE" },
  { code_type: "CENTER_SIZE", overlap_threshold: 0.3, neg_pos_ratio: 1.5, neg_overlap: 0.2, loc_weight: 2 },
  { code_type: "CENTER_SIZE", match_type: "BIPARTITE", use_difficult_gt: false, normalization: "FULL" },
  {
    code_type: "CORNER",
    mining_type: "NONE",
    loc_loss_type: "L2",
    overlap_threshold: 0.4,
    normalization: "BATCH_SIZE",
  },
  { code_type: "CORNER", do_neg_mining: false, conf_loss_type: "LOGISTIC", overlap_threshold: 0.4 },
  { code_type: "CORNER_SIZE", conf_loss_type: "LOGISTIC", encode_variance_in_target: true, normalization: "NONE" },
  {
    code_type: "CENTER_SIZE",
    encode_variance_in_target: true,
    ignore_cross_boundary_bbox: true,
    overlap_threshold: 0.2,
  },
  { code_type: "CENTER_SIZE", map_object_to_agnostic: true, classes: 2, neg_overlap: 0.1 },
  { code_type: "CENTER_SIZE", mining_type: "HARD_EXAMPLE", sample_size: 12, overlap_threshold: 0.2 },
  {
    code_type: "CORNER",
    mining_type: "HARD_EXAMPLE",
    sample_size: 9,
    conf_loss_type: "LOGISTIC",
    overlap_threshold: 0.2,
    ignore_cross_boundary_bbox: true,
  },
  { code_type: "CENTER_SIZE", mining_type: "HARD_EXAMPLE", sample_size: 100, loc_loss_type: "L2" },
  { code_type: "CENTER_SIZE", share_location: false, mining_type: "NONE", overlap_threshold: 0.3 },
  { code_type: "CORNER", share_location: false, do_neg_mining: false, encode_variance_in_target: true },
  { code_type: "CORNER", bp_inside: true, overlap_threshold: 0.2 },
  { code_type: "CORNER_SIZE", bp_inside: true, mining_type: "NONE", share_location: false, loc_loss_type: "L2" },
  { code_type: "CENTER_SIZE", use_prior_for_matching: false, overlap_threshold: 0.3 },
  {
    code_type: "CORNER_SIZE",
    use_prior_for_matching: false,
    bp_inside: true,
    ignore_cross_boundary_bbox: true,
    mining_type: "HARD_EXAMPLE",
    sample_size: 12,
    overlap_threshold: 0.2,
  },
  { code_type: "CENTER_SIZE", background_label_id: 3, classes: 4, neg_pos_ratio: 100 },
];

const inputs = (classes: number, sets = 1) =>
  [
    inputLayer("loc", ITEMS, PRIORS * 4 * sets),
    inputLayer("conf", ITEMS, PRIORS * classes),
    inputLayer("prior", 1, 2, PRIORS * 4),
    inputLayer("label", 1, 1, truth.length, 8),
  ].join("");

const bottoms = `bottom: "loc" bottom: "conf" bottom: "prior" bottom: "label"`;

describe("MultiBoxLoss", () => {
  const prior = tensor([...priorBoxes.flat(), ...priorBoxes.flatMap(() => VARIANCE)], [1, 2, PRIORS * 4]);
  const label = tensor(truth.flat(), [1, 1, truth.length, 8]);

  for (const settings of SETTINGS) {
    it(`has the loss and the gradients of SSD's loops, ${JSON.stringify(settings)}`, async () => {
      const { classes = 3, normalization, ...fields } = settings;
      const sets = settings.share_location === false ? classes : 1;
      const [loc, conf] = [noise(5, [ITEMS, PRIORS * 4 * sets], -2, 2), noise(6, [ITEMS, PRIORS * classes], -2, 2)];
      const text = Object.entries({ num_classes: classes, ...fields })
        .map(([name, value]) => `${name}: ${value}`)
        .join(" ");
      const loss = normalization ? `loss_param { normalization: ${normalization} }` : "";
      const ran = await runText(
        `${inputs(classes, sets)} layer { name: "l" type: "MultiBoxLoss" ${bottoms} top: "loss" multibox_loss_param { ${text} } ${loss} }`,
        { loc, conf, prior, label },
        { seeds: { loss: tensor([1], []) }, phase: "TRAIN" },
      );
      const expected = multiBox(settings, loc, conf);
      expect(expected.matches).to.be.greaterThan(3);
      expectClose({ net: ran.blobs["loss"]! }, [], [expected.loss]);
      expectClose({ net: ran.gradients["loc"]! }, [...loc.shape], expected.dOffsets);
      expectClose({ net: ran.gradients["conf"]! }, [...conf.shape], expected.dScores);
    });
  }

  it("trains a net whose priors have the size of a map that is trained through", async () => {
    const map = (name: string, outputs: number) => `
      layer { name: "${name}" type: "Convolution" bottom: "c" top: "${name}" convolution_param { num_output: ${outputs} kernel_size: 1 weight_filler { type: "xavier" } } }`;
    const text = `${inputLayer("x", 1, 2, 4, 4)}${inputLayer("label", 1, 1, truth.length, 8)}
      layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 3 kernel_size: 1 weight_filler { type: "xavier" } } }
      ${map("loc", 4)} ${map("conf", 3)}
      layer { name: "p" type: "PriorBox" bottom: "c" bottom: "x" top: "p" prior_box_param { min_size: 2 } }
      layer { name: "loss" type: "MultiBoxLoss" bottom: "loc" bottom: "conf" bottom: "p" bottom: "label" top: "loss"
        multibox_loss_param { num_classes: 3 code_type: CENTER_SIZE overlap_threshold: 0.3 } }`;
    const seeds = { loss: tensor([1], []) };
    const ran = await runText(text, { x: noise(3, [1, 2, 4, 4]), label }, { seeds, phase: "TRAIN" });
    expect(ran.parameters["c/0"]!.some((v) => v !== 0)).to.equal(true);
  });

  for (const [param, message] of [
    ["", "num_classes must be given"],
    ["num_classes: 3 share_location: false", "priors are mined with share_location alone"],
    ["num_classes: 3 mining_type: HARD_EXAMPLE sample_size: 0", "sample_size is 0"],
    ["num_classes: 3 nms_param { nms_threshold: 0.5 }", "non-maximum suppression of negatives is not supported"],
    [
      "num_classes: 3 share_location: false use_prior_for_matching: false",
      "matching by the predictions of each class is not supported",
    ],
    ["num_classes: 3 conf_loss_type: LOGISTIC background_label_id: 1", "LOGISTIC takes background_label_id 0"],
    ["num_classes: 5", "does not have 5 scores for each of 32 priors"],
  ] as const) {
    it(`refuses "${param}"`, () => {
      const layer = `layer { name: "l" type: "MultiBoxLoss" ${bottoms} top: "loss" multibox_loss_param { ${param} } }`;
      expect(refusal(inputs(3) + layer)).to.contain(message);
    });
  }
});
