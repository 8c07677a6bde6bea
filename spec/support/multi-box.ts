import type { Tensor } from "../../lib/api/net.js";

type Box = readonly [x1: number, y1: number, x2: number, y2: number];

/** Fields of MultiBoxLossParameter and of loss_param that change what is computed. */
export interface Settings {
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
  readonly use_prior_for_nms?: boolean;
  readonly objectness_score?: number;
  readonly normalization?: "FULL" | "VALID" | "BATCH_SIZE" | "NONE";
  /** nms_param. */
  readonly nms?: { readonly nms_threshold: number; readonly top_k?: number };
  /** alpha and gamma of a MultiBoxFocalLoss. */
  readonly focal?: { readonly alpha: number; readonly gamma: number };
}

/** Bottoms of a first stage: scores of background and object, and offsets. */
export interface FirstStage {
  readonly scores: Tensor;
  readonly offsets?: Tensor;
}

export const [ITEMS, GRID] = [3, 4];
export const PRIORS = GRID * GRID * 2;

/** A square and a wide box for each cell of a grid, some of which reach out of the image. */
export const priorBoxes: readonly Box[] = Array.from({ length: PRIORS }, (_, i) => {
  const [x, y] = [((i >> 1) % GRID) / GRID + 0.125, Math.floor(i / 2 / GRID) / GRID + 0.125];
  const [w, h] = i % 2 === 0 ? [0.3, 0.3] : [0.45, 0.2];
  return [x - w / 2, y - h / 2, x + w / 2, y + h / 2].map(Math.fround) as unknown as Box;
});
export const VARIANCE = [0.1, 0.1, 0.2, 0.2].map(Math.fround);

/** Rows of (item, class, instance, box, difficult); the third item has none, and a row of item -1 is none. */
export const truth = [
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

/** Match of each box of a list with one of the ground truth, or -1; -2 where it may have none. And the overlap with it, or the greatest. */
function matchesOf(settings: Settings, compared: readonly Box[], boxes: readonly Box[]) {
  const barred = compared.map((box) => settings.ignore_cross_boundary_bbox === true && box.some((v) => v < 0 || v > 1));
  const overlaps = compared.map((prior, i) =>
    boxes.map((box) => (barred[i] || overlapOf(prior, box) <= 1e-6 ? 0 : overlapOf(prior, box))),
  );
  const match: number[] = compared.map((_, i) => (barred[i] ? -2 : -1));
  const greatest = overlaps.map((row) => Math.max(0, ...row));
  const pool = new Set(boxes.keys());
  while (pool.size > 0) {
    let [prior, box, most] = [-1, -1, 0];
    for (const i of compared.keys()) {
      if (match[i] !== -1) continue;
      for (const j of pool) if (overlaps[i]![j]! > most) [prior, box, most] = [i, j, overlaps[i]![j]!];
    }
    if (prior < 0) break;
    match[prior] = box;
    greatest[prior] = most;
    pool.delete(box);
  }
  if (settings.match_type !== "BIPARTITE")
    for (const i of compared.keys()) {
      if (match[i] !== -1) continue;
      let most = 0;
      for (const [j, overlap] of overlaps[i]!.entries())
        if (overlap >= Math.fround(settings.overlap_threshold ?? 0.5) && overlap > most)
          [match[i], most] = [j, overlap];
    }
  return { match, greatest };
}

/** A matched prior: the box, and the class whose offsets are meant, 0 of shared ones. */
interface Pair {
  readonly prior: number;
  readonly box: number;
  readonly set: number;
}

/** Reference computation of the Caffe of SSD and RefineDet, loop by loop: the loss, and its gradients in offsets and scores. */
export function multiBox(settings: Settings, offsets: Tensor, scores: Tensor, first?: FirstStage) {
  const { background_label_id: background = 0, classes = 3 } = settings;
  const [dOffsets, dScores] = [new Float64Array(offsets.data.length), new Float64Array(scores.data.length)];
  let [location, confidence, matches] = [0, 0, 0];
  const mining = settings.mining_type ?? (settings.do_neg_mining === false ? "NONE" : "MAX_NEGATIVE");
  const isShared = settings.share_location !== false;
  const comparesPriors = settings.use_prior_for_matching !== false;
  const isLogistic = settings.conf_loss_type === "LOGISTIC";
  for (let item = 0; item < ITEMS; item++) {
    const rows = truth.filter((row) => row[0] === item && (settings.use_difficult_gt !== false || row[7] === 0));
    const boxes = rows.map((row) => row.slice(3, 7).map(Math.fround) as unknown as Box);
    const labels = rows.map((row) => (classes === 2 ? Math.min(row[1]!, 1) : row[1]!));
    const placeOf = (i: number, set: number) => ((item * PRIORS + i) * (isShared ? 1 : classes) + set) * 4;
    const offsetsOf = (i: number, set: number) => [...offsets.data.slice(placeOf(i, set), placeOf(i, set) + 4)];
    const anchors = priorBoxes.map((prior, i) => {
      const from = (item * PRIORS + i) * 4;
      return first?.offsets ? decode(settings, prior, [...first.offsets.data.slice(from, from + 4)]) : prior;
    });
    const predicted = (from: readonly Box[], set: number) =>
      from.map((box, i) => decode(settings, box, offsetsOf(i, set)));

    let pairs: Pair[] = [];
    const { match, greatest } = matchesOf(settings, comparesPriors ? anchors : predicted(priorBoxes, 0), boxes);
    if (isShared || comparesPriors)
      match.forEach((box, prior) => {
        if (box >= 0) pairs.push({ prior, box, set: isShared ? 0 : labels[box]! });
      });
    else
      for (let set = 0; set < classes; set++) {
        if (set === background) continue;
        const own = [...boxes.keys()].filter((j) => labels[j] === set);
        const found = matchesOf(
          settings,
          predicted(priorBoxes, set),
          own.map((j) => boxes[j]!),
        );
        found.match.forEach((j, prior) => {
          if (j >= 0) pairs.push({ prior, box: own[j]!, set });
        });
      }

    const scoresOf = (i: number) => [
      ...scores.data.slice((item * PRIORS + i) * classes, (item * PRIORS + i + 1) * classes),
    ];
    const softmax = (row: readonly number[]) => {
      const exps = row.map(Math.exp);
      const sum = exps.reduce((a, b) => a + b);
      return exps.map((v) => v / sum);
    };
    const crossEntropy = (i: number, target: readonly number[]) =>
      isLogistic
        ? scoresOf(i).reduce((sum, v, c) => sum + Math.log1p(Math.exp(v)) - v * target[c]!, 0)
        : -Math.log(softmax(scoresOf(i))[target.indexOf(1)]!);
    const oneHot = (label: number) => Array.from({ length: classes }, (_, c) => Number(c === label));
    const differences = ({ prior, box, set }: Pair, from: readonly Box[]) =>
      encode(settings, from[prior]!, boxes[box]!).map((target, k) => {
        const corners = comparesPriors ? from[prior]! : decode(settings, from[prior]!, offsetsOf(prior, set));
        if (settings.bp_inside && (corners[k]! < 0 || corners[k]! > 1)) return 0;
        const scale = settings.encode_variance_in_target ? 1 / VARIANCE[k]! : 1;
        return (offsetsOf(prior, set)[k]! - target) * scale;
      });
    const isNear = (d: number) => settings.loc_loss_type === "L2" || Math.abs(d) < 1;
    const locationOf = (pair: Pair, from: readonly Box[]) =>
      differences(pair, from).reduce((sum, d) => sum + (isNear(d) ? 0.5 * d * d : Math.abs(d) - 0.5), 0);

    const chosen = new Map<number, number[]>();
    for (const { prior, box } of pairs) {
      const label = settings.map_object_to_agnostic ? background + 1 : labels[box]!;
      // Of several classes the last counts, or with LOGISTIC all of them.
      const target = isLogistic ? (chosen.get(prior) ?? oneHot(-1)) : oneHot(-1);
      target[label] = 1;
      chosen.set(prior, target);
    }
    const isObject = (i: number) =>
      first === undefined ||
      first.scores.data[(item * PRIORS + i) * 2 + 1]! >= Math.fround(settings.objectness_score ?? 0.01);
    /** The first of those of the greatest loss, without what overlaps one of a greater loss where there is nms. */
    const hardest = (eligible: readonly number[], loss: (i: number) => number, most: number) => {
      const order = [...eligible].sort((a, b) => loss(b) - loss(a));
      const { nms } = settings;
      if (!nms) return order.slice(0, most);
      const corners = settings.use_prior_for_nms ? priorBoxes : predicted(priorBoxes, 0);
      const kept: number[] = [];
      for (const i of order.slice(0, nms.top_k ?? order.length))
        if (kept.every((j) => overlapOf(corners[i]!, corners[j]!) <= Math.fround(nms.nms_threshold))) kept.push(i);
      return kept.slice(0, most);
    };
    if (mining === "HARD_EXAMPLE" && boxes.length > 0) {
      const total = (i: number) => {
        const pair = pairs.find(({ prior }) => prior === i);
        return crossEntropy(i, chosen.get(i) ?? oneHot(background)) + (pair ? locationOf(pair, priorBoxes) : 0);
      };
      const hard = new Set(hardest([...priorBoxes.keys()].filter(isObject), total, settings.sample_size ?? 64));
      for (const i of priorBoxes.keys()) {
        if (match[i]! >= 0 && !hard.has(i)) chosen.delete(i);
        else if (match[i] === -1 && hard.has(i)) chosen.set(i, oneHot(background));
      }
      pairs = pairs.filter(({ prior }) => hard.has(prior));
    } else if (mining === "NONE") {
      for (let i = 0; i < PRIORS; i++) if (!chosen.has(i)) chosen.set(i, isLogistic ? oneHot(-1) : oneHot(background));
    } else if (boxes.length > 0) {
      const eligible = [...priorBoxes.keys()].filter(
        (i) => match[i] === -1 && greatest[i]! < (settings.neg_overlap ?? 0.5) && isObject(i),
      );
      const most = Math.min(Math.trunc(pairs.length * (settings.neg_pos_ratio ?? 3)), eligible.length);
      for (const i of hardest(eligible, (j) => crossEntropy(j, oneHot(background)), most))
        chosen.set(i, oneHot(background));
    }
    for (const [i, target] of chosen) {
      const { alpha = 1, gamma = 0 } = settings.focal ?? {};
      const prob = isLogistic ? scoresOf(i).map((v) => 1 / (1 + Math.exp(-v))) : softmax(scoresOf(i));
      const own = isLogistic ? 0 : prob[target.indexOf(1)]!;
      const loss = crossEntropy(i, target);
      const weight = settings.focal ? alpha * (1 - own) ** gamma : 1;
      confidence += weight * loss;
      // d/ds of (1 - p)^gamma times the loss: the loss' own slope, and that of the factor.
      const slope = settings.focal ? weight + alpha * gamma * (1 - own) ** (gamma - 1) * own * loss : 1;
      prob.forEach((v, c) => {
        dScores[(item * PRIORS + i) * classes + c] = slope * (v - target[c]!);
      });
    }
    for (const pair of pairs) {
      matches++;
      location += locationOf(pair, anchors);
      for (const [k, d] of differences(pair, anchors).entries()) {
        const scale = settings.encode_variance_in_target ? 1 / VARIANCE[k]! : 1;
        dOffsets[placeOf(pair.prior, pair.set) + k] = (isNear(d) ? d : Math.sign(d)) * scale;
      }
    }
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
