import { expect } from "chai";
import type { Tensor } from "../../lib/api/net.js";
import { convert } from "../../lib/convert/index.js";
import { openModelFile } from "../../lib/onnx/file.js";
import { at, expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal } from "../support/net.js";
import { SSD_NET } from "../support/ssd.js";

interface Box {
  readonly corners: readonly number[];
  readonly score: number;
}

/** Non-maximum suppression by definition: the best first, what overlaps it by more than `overlap` goes. */
function suppress(boxes: readonly Box[], overlap: number, extra = 0): readonly Box[] {
  const area = ([a, b, c, d]: readonly number[]) => Math.max(0, c! - a! + extra) * Math.max(0, d! - b! + extra);
  const iou = (p: readonly number[], q: readonly number[]) => {
    const shared = area([
      Math.max(p[0]!, q[0]!),
      Math.max(p[1]!, q[1]!),
      Math.min(p[2]!, q[2]!),
      Math.min(p[3]!, q[3]!),
    ]);
    return shared > 0 ? shared / (area(p) + area(q) - shared) : 0;
  };
  const kept: Box[] = [];
  for (const box of [...boxes].sort((a, b) => b.score - a.score))
    if (kept.every(({ corners }) => iou(corners, box.corners) <= overlap)) kept.push(box);
  return kept;
}

const [ITEMS, CLASSES] = [3, 4];

/** Fields of DetectionOutputParameter and its nms_param. */
interface Settings {
  readonly share_location?: boolean;
  readonly code_type: "CORNER" | "CENTER_SIZE" | "CORNER_SIZE";
  readonly variance_encoded_in_target?: boolean;
  readonly background_label_id?: number;
  readonly keep_top_k?: number;
  readonly confidence_threshold?: number;
  readonly nms_threshold?: number;
  readonly top_k?: number;
}

const SETTINGS: readonly Settings[] = [
  { code_type: "CENTER_SIZE", keep_top_k: 7, confidence_threshold: 0.3, nms_threshold: 0.4, top_k: 8 },
  { code_type: "CENTER_SIZE", share_location: false, keep_top_k: 7, confidence_threshold: 0.3, top_k: 8 },
  { code_type: "CORNER", keep_top_k: 5, confidence_threshold: 0.5, background_label_id: 2 },
  { code_type: "CORNER", share_location: false, variance_encoded_in_target: true, confidence_threshold: 0.2 },
  { code_type: "CORNER_SIZE", keep_top_k: 9, confidence_threshold: 0.1, nms_threshold: 0.5, top_k: 3 },
  { code_type: "CORNER_SIZE", variance_encoded_in_target: true, share_location: false, keep_top_k: 4 },
  // No threshold, and candidates beyond top_k count for nothing all the same; no class is background.
  { code_type: "CENTER_SIZE", variance_encoded_in_target: true, top_k: 4, background_label_id: -1 },
  { code_type: "CENTER_SIZE", keep_top_k: 0, confidence_threshold: 0.3 },
  { code_type: "CENTER_SIZE", confidence_threshold: 0.97, keep_top_k: 100 },
];

/** Reference computation of SSD's Caffe, loop by loop: rows of (item, class, score, x1, y1, x2, y2). */
function caffeRows(
  settings: Settings,
  offsets: Float32Array,
  scores: Float32Array,
  priors: Float32Array | ((item: number) => Float32Array),
  boxes: number,
): readonly (readonly number[])[] {
  const priorsOf = (item: number) => (typeof priors === "function" ? priors(item) : priors);
  const { share_location: shared = true, background_label_id: background = 0, keep_top_k: keep = -1 } = settings;
  const { confidence_threshold: threshold = Number.NEGATIVE_INFINITY, nms_threshold: overlap = 0.3, top_k } = settings;
  const rows: (readonly number[])[] = [];
  for (let item = 0; item < ITEMS; item++) {
    const found: { label: number; box: Box }[] = [];
    for (let label = 0; label < CLASSES; label++) {
      if (label === background) continue;
      const all = Array.from({ length: boxes }, (_, i): Box => {
        const from = 4 * (shared ? item * boxes + i : (item * boxes + i) * CLASSES + label);
        const score = scores[(item * boxes + i) * CLASSES + label]!;
        return { corners: decoded(settings, priorsOf(item), boxes, i, [...offsets.subarray(from, from + 4)]), score };
      });
      const best = all.filter(({ score }) => score > threshold).sort((a, b) => b.score - a.score);
      for (const box of suppress(best.slice(0, top_k ?? best.length), overlap)) found.push({ label, box });
    }
    const ranked = [...found].sort((a, b) => b.box.score - a.box.score).slice(0, keep > -1 ? keep : found.length);
    for (const each of found)
      if (ranked.includes(each)) rows.push([item, each.label, each.box.score, ...each.box.corners]);
  }
  if (rows.length > 0) return rows;
  return Array.from({ length: ITEMS }, (_, item) => [item, -1, -1, -1, -1, -1, -1]);
}

function decoded(settings: Settings, priors: Float32Array, boxes: number, i: number, d: readonly number[]) {
  const prior = [...priors.subarray(4 * i, 4 * i + 4)] as [number, number, number, number];
  const variance = [...priors.subarray(4 * (boxes + i), 4 * (boxes + i) + 4)];
  const [a, b, c, e] = d.map((v, k) => (settings.variance_encoded_in_target ? v : v * variance[k]!)) as typeof prior;
  const [x1, y1, x2, y2] = prior;
  const [w, h] = [x2 - x1, y2 - y1];
  if (settings.code_type === "CORNER") return [x1 + a, y1 + b, x2 + c, y2 + e];
  if (settings.code_type === "CORNER_SIZE") return [x1 + a * w, y1 + b * h, x2 + c * w, y2 + e * h];
  const [cx, cy] = [(x1 + x2) / 2 + a * w, (y1 + y2) / 2 + b * h];
  return [
    cx - (Math.exp(c) * w) / 2,
    cy - (Math.exp(e) * h) / 2,
    cx + (Math.exp(c) * w) / 2,
    cy + (Math.exp(e) * h) / 2,
  ];
}

describe("detectors of Caffe's forks, against plain loops", () => {
  const boxes = 12;
  const priors = (): Tensor => {
    const data = new Float32Array(boxes * 8);
    for (let i = 0; i < boxes; i++) {
      const [x, y] = [(i % 4) * 0.2, Math.floor(i / 4) * 0.25];
      data.set([x, y, x + 0.3, y + 0.35], 4 * i);
      data.set([0.1, 0.1, 0.2, 0.2], 4 * (boxes + i));
    }
    return { shape: [1, 2, boxes * 4], data };
  };

  for (const settings of SETTINGS) {
    it(`DetectionOutput of three items gives Caffe's rows, ${JSON.stringify(settings)}`, async () => {
      const { share_location = true, code_type, variance_encoded_in_target = false, ...more } = settings;
      const sets = share_location ? 1 : CLASSES;
      // Corners as offsets are to be small against the boxes, or they swap.
      const reach = code_type === "CENTER_SIZE" ? 1 : 0.5;
      const [offsets, scores, prior] = [
        noise(21, [ITEMS, boxes * 4 * sets], -reach, reach),
        noise(22, [ITEMS, boxes * CLASSES], 0, 1),
        priors(),
      ];
      const rows = caffeRows(settings, offsets.data, scores.data, prior.data, boxes);
      const { nms_threshold = 0.3, top_k, ...fields } = more;
      const nms = `nms_param { nms_threshold: ${nms_threshold} ${top_k === undefined ? "" : `top_k: ${top_k}`} }`;
      const text = Object.entries({ share_location, variance_encoded_in_target, code_type, ...fields })
        .map(([name, value]) => `${name}: ${value}`)
        .join(" ");
      const [y] = await run(
        `type: "DetectionOutput" detection_output_param { num_classes: ${CLASSES} ${text} ${nms} }`,
        [offsets, scores, prior],
      );
      expectClose(y, [1, 1, rows.length, 7], rows.flat());
    });
  }

  for (const [form, variance_encoded_in_target] of [
    ["rows of five", true],
    ["one plane", true],
    ["two planes", false],
  ] as const)
    it(`DetectionOutput of regions in pixels divides them by the input's size, given as ${form}`, async () => {
      const [offsets, scores] = [noise(27, [ITEMS, boxes * 4]), noise(28, [ITEMS, boxes * CLASSES], 0, 1)];
      const own = priors().data;
      const [width, height] = [80, 60];
      const regions = Array.from({ length: boxes }, (_, i) => [
        7,
        ...[...own.subarray(4 * i, 4 * i + 4)].map((v, k) => v * (k % 2 === 0 ? width : height)),
      ]).flat();
      const settings: Settings = { code_type: "CENTER_SIZE", variance_encoded_in_target, confidence_threshold: 0.4 };
      const rows = caffeRows(settings, offsets.data, scores.data, own, boxes);
      const variances = [...own.subarray(4 * boxes), ...Array<number>(boxes).fill(0)];
      const given: Tensor =
        form === "rows of five"
          ? { shape: [boxes, 5], data: Float32Array.from(regions) }
          : form === "one plane"
            ? { shape: [1, 1, boxes * 5], data: Float32Array.from(regions) }
            : { shape: [1, 2, boxes * 5], data: Float32Array.from([...regions, ...variances]) };
      const size = `normalized: false input_width: ${width} input_height: ${height}`;
      const param = `code_type: CENTER_SIZE confidence_threshold: 0.4 variance_encoded_in_target: ${variance_encoded_in_target} ${size}`;
      const [y] = await run(
        `type: "DetectionOutput" detection_output_param { num_classes: ${CLASSES} ${param} nms_param { nms_threshold: 0.3 } }`,
        [offsets, scores, given],
      );
      expectClose(y, [1, 1, rows.length, 7], rows.flat());
    });

  it("DetectionOutput of regions in pixels needs the input's size", () => {
    const inputs = [inputLayer("loc", 1, 8), inputLayer("conf", 1, 4), inputLayer("prior", 1, 1, 10)].join("");
    const of = (param: string) =>
      refusal(`${inputs} layer { name: "l" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "prior" top: "y"
        detection_output_param { num_classes: 2 variance_encoded_in_target: true ${param} } }`);
    expect(of("normalized: false input_width: 30")).to.contain("boxes in pixels need input_height");
    expect(of("")).to.contain("priors are [1, 2, boxes * 4]");
  });

  for (const code_type of ["CENTER_SIZE", "CORNER_SIZE"] as const)
    it(`DetectionOutput of RefineDet moves boxes twice, and skips those without an object, ${code_type}`, async () => {
      const [offsets, scores, prior] = [
        noise(23, [ITEMS, boxes * 4]),
        noise(24, [ITEMS, boxes * CLASSES], 0, 1),
        priors(),
      ];
      const [objects, first] = [noise(25, [ITEMS, boxes * 2], 0, 1), noise(26, [ITEMS, boxes * 4])];
      const settings: Settings = {
        code_type,
        confidence_threshold: 0.3,
        keep_top_k: 9,
        nms_threshold: 0.45,
        top_k: 10,
      };
      const moved = (item: number) => {
        const all = Float32Array.from(prior.data);
        for (let i = 0; i < boxes; i++) {
          const from = 4 * (item * boxes + i);
          all.set(decoded(settings, prior.data, boxes, i, [...first.data.subarray(from, from + 4)]), 4 * i);
        }
        return all;
      };
      const kept = scores.data.map((v, i) => (objects.data[2 * Math.floor(i / CLASSES) + 1]! < 0.4 ? 0 : v));
      const rows = caffeRows(settings, offsets.data, kept, moved, boxes);
      expect(rows.length).to.be.greaterThan(ITEMS);
      const param = `code_type: ${code_type} confidence_threshold: 0.3 keep_top_k: 9 objectness_score: 0.4`;
      const [y] = await run(
        `type: "DetectionOutput" detection_output_param { num_classes: ${CLASSES} ${param} nms_param { nms_threshold: 0.45 top_k: 10 } }`,
        [offsets, scores, prior, objects, first],
      );
      expectClose(y, [1, 1, rows.length, 7], rows.flat());
    });

  it("DetectionOutput gives a row of -1 for each item where it finds nothing in any", async () => {
    const scores = { shape: [2, boxes * 3], data: new Float32Array(2 * boxes * 3) };
    const [y] = await run(
      `type: "DetectionOutput" detection_output_param { num_classes: 3 confidence_threshold: 0.3 }`,
      [noise(21, [2, boxes * 4]), scores, priors()],
    );
    expectClose(y, [1, 1, 2, 7], [0, -1, -1, -1, -1, -1, -1, 1, -1, -1, -1, -1, -1, -1]);
  });

  it("a converted detector takes any number of items, and each gets the rows that it has alone", async () => {
    const { model, report } = await convert(SSD_NET, [], { allowMissing: true });
    expect(report.fixedBatch).to.equal(undefined);
    expect(report.verification!.every(({ within }) => within)).to.equal(true);
    await using file = await openModelFile(model);
    const all = noise(51, [3, 3, 32, 32]);
    const rows = [...(await file.run({ data: all }))["found"]!.data];
    const alone: number[] = [];
    for (let i = 0; i < 3; i++) {
      const data = all.data.slice(i * 3 * 32 * 32, (i + 1) * 3 * 32 * 32);
      const { found } = await file.run({ data: { shape: [1, 3, 32, 32], data } });
      found!.data.forEach((value, k) => {
        alone.push(k % 7 === 0 ? i : value);
      });
    }
    expect(rows).to.deep.equal(alone);
  });

  for (const layer of [
    `type: "Python" python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: "'feat_stride': 16" }`,
    `type: "Proposal"`,
  ]) {
    it(`proposals of ${layer.slice(7, 13)} are Faster R-CNN's`, async () => {
      const [h, w, a] = [4, 5, 9];
      // Faster R-CNN's nine anchors, as its authors list them.
      const anchors = [
        [-84, -40, 99, 55],
        [-176, -88, 191, 103],
        [-360, -184, 375, 199],
        [-56, -56, 71, 71],
        [-120, -120, 135, 135],
        [-248, -248, 263, 263],
        [-36, -80, 51, 95],
        [-80, -168, 95, 183],
        [-168, -344, 183, 359],
      ];
      const [scores, offsets] = [noise(31, [1, 2 * a, h, w], 0, 1), noise(32, [1, 4 * a, h, w], -0.4, 0.4)];
      const info = { shape: [1, 3], data: Float32Array.of(60, 78, 1.5) };
      const all: Box[] = [];
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++)
          anchors.forEach((anchor, k) => {
            const [x1, y1, x2, y2] = anchor.map((v, i) => v + 16 * (i % 2 === 0 ? x : y)) as [
              number,
              number,
              number,
              number,
            ];
            const d = [0, 1, 2, 3].map((i) => at(offsets)(0, 4 * k + i, y, x));
            const [bw, bh] = [x2 - x1 + 1, y2 - y1 + 1];
            const [cx, cy] = [x1 + bw / 2 + d[0]! * bw, y1 + bh / 2 + d[1]! * bh];
            const [pw, ph] = [Math.exp(d[2]!) * bw, Math.exp(d[3]!) * bh];
            const clip = (v: number, most: number) => Math.max(0, Math.min(most, v));
            const corners = [
              clip(cx - pw / 2, 77),
              clip(cy - ph / 2, 59),
              clip(cx + pw / 2, 77),
              clip(cy + ph / 2, 59),
            ];
            const large = corners[2]! - corners[0]! + 1 >= 24 && corners[3]! - corners[1]! + 1 >= 24;
            if (large) all.push({ corners, score: at(scores)(0, a + k, y, x) });
          });
      const kept = suppress(all, 0.7, 1).slice(0, 300);
      const [rois, probabilities] = await run(layer, [scores, offsets, info], [], 2);
      expectClose(
        rois,
        [kept.length, 5],
        kept.flatMap(({ corners }) => [0, ...corners]),
        1e-4,
      );
      expectClose(
        probabilities,
        [kept.length, 1],
        kept.map(({ score }) => score),
      );
    });
  }

  it("proposals keep as many as they are asked for, of other ratios and overlaps", async () => {
    const bottoms = [
      noise(31, [1, 12, 3, 3], 0, 1),
      noise(32, [1, 24, 3, 3], -0.4, 0.4),
      { shape: [1, 3], data: Float32Array.of(64, 64, 1) },
    ];
    const of = async (param: string) => {
      const [rois] = await run(
        `type: "Proposal" proposal_param { feat_stride: 8 ratio: 1 ratio: 3 scale: 2 scale: 4 scale: 6 ${param} }`,
        bottoms,
      );
      return rois!.net;
    };
    const all = await of("nms_thresh: 0.5");
    const few = await of("nms_thresh: 0.5 post_nms_topn: 3");
    expect(few.shape).to.deep.equal([3, 5]);
    expect([...few.data]).to.deep.equal([...all.data.slice(0, 15)]);
    const first = await of("nms_thresh: 0.999 pre_nms_topn: 5");
    expect(first.shape[0]).to.be.at.most(5);
    const loose = await of("nms_thresh: 0.9");
    expect(loose.shape[0]).to.be.greaterThan(all.shape[0]!);
  });

  const python = (text: string) =>
    `type: "Python" python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: ${JSON.stringify(text)} }`;
  for (const text of [
    "{'feat_stride': 8, 'scales': (4, 8)}",
    "'feat_stride': 8 \n'scales': !!python/tuple [4, 8]",
    "feat_stride: 8\nscales:\n- 4\n- 8",
  ]) {
    it(`proposals take their settings from ${JSON.stringify(text)}`, async () => {
      // Two scales of three ratios: six anchors.
      const bottoms = [
        noise(31, [1, 12, 3, 3], 0, 1),
        noise(32, [1, 24, 3, 3], -0.4, 0.4),
        { shape: [1, 3], data: Float32Array.of(64, 64, 1) },
      ];
      const [rois] = await run(python(text), bottoms);
      const more = "base_size: 16 min_size: 16 feat_stride: 8 scale: 4 scale: 8";
      const [same] = await run(`type: "Proposal" proposal_param { ${more} }`, bottoms);
      expectClose(rois, same!.net.shape, same!.net.data);
    });
  }

  it("proposals refuse settings without feat_stride, and scales that are no list", () => {
    const text = (param: string) =>
      `${inputLayer("s", 1, 18, 2, 2)} ${inputLayer("d", 1, 36, 2, 2)} ${inputLayer("i", 1, 3)}
       layer { name: "l" ${python(param)} bottom: "s" bottom: "d" bottom: "i" top: "r" }`;
    expect(refusal(text("'scales': [8]"))).to.contain("\"'scales': [8]\" does not give feat_stride");
    expect(refusal(text("'feat_stride': 16, 'scales': eight"))).to.contain("are not numbers");
  });
});
