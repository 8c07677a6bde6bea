import { expect } from "chai";
import type { Tensor } from "../../lib/api/net.js";
import { expectClose, noise } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const slope = (p: number) => p * (1 - p);

type Corners = readonly [x: number, y: number, w: number, h: number];

function iou(a: Corners, b: Corners): number {
  const side = (p: number, s: number, q: number, t: number) =>
    Math.min(p + s / 2, q + t / 2) - Math.max(p - s / 2, q - t / 2);
  const [w, h] = [side(a[0], a[2], b[0], b[2]), side(a[1], a[3], b[1], b[3])];
  const shared = w < 0 || h < 0 ? 0 : w * h;
  return shared / (a[2] * a[3] + b[2] * b[3] - shared);
}

const [ITEMS, SIDE, NUM, CLASSES] = [2, 3, 2, 3];
const LENGTH = 5 + CLASSES;
const CELLS = SIDE * SIDE;
/** Rows of (class, centre, size). Two boxes of the first item have one cell and one size, and in the second a row of zeros ends them. */
const truth = [
  [1, 0.5, 0.45, 0.3, 0.4, 0, 0.1, 0.9, 0.6, 0.7, 2, 0.52, 0.44, 0.29, 0.38, 1, 0.8, 0.2, 0.25, 0.35],
  [2, 0.3, 0.3, 0.8, 0.5, 0, 0, 0, 0, 0, 1, 0.6, 0.6, 0.3, 0.3, 0, 0, 0, 0, 0],
] as const;
const labels = (shape: readonly number[]) => tensor(truth.flat(), shape);

interface Options {
  /** A prediction as it is compared: sigmoids, softmax. */
  activated(x: readonly number[], c: number): number;
  /** Sizes of all anchors as parts of the image, and which are the grid's. */
  readonly anchors: readonly (readonly [number, number])[];
  readonly mask: readonly number[];
  readonly thresh: number;
  /** An anchor is chosen by its own size, or else by the size that is predicted with it. */
  readonly byAnchor: boolean;
  elsewhere(p: readonly number[], isFar: boolean): readonly number[];
  own(
    p: readonly number[],
    target: readonly number[],
    box: { area: number; overlap: number; label: number; isTaken: boolean },
    before: readonly number[],
  ): readonly number[];
}

/** The authors' loops: what each prediction has to change by, [n, num, length, cells]. */
function deltas(x: Tensor, options: Options): Float32Array {
  const { anchors, mask } = options;
  const delta = new Float32Array(x.data.length);
  const at = (n: number, box: number, c: number, cell: number) => ((n * NUM + box) * LENGTH + c) * CELLS + cell;
  const read = (n: number, box: number, cell: number) => {
    const raw = Array.from({ length: LENGTH }, (_, c) => x.data[at(n, box, c, cell)]!);
    return raw.map((_, c) => options.activated(raw, c));
  };
  const write = (n: number, box: number, cell: number, values: readonly number[]) =>
    values.forEach((value, c) => {
      delta[at(n, box, c, cell)] = value;
    });

  const boxOf = (p: readonly number[], box: number, cell: number): Corners => [
    ((cell % SIDE) + p[0]!) / SIDE,
    (Math.floor(cell / SIDE) + p[1]!) / SIDE,
    Math.exp(p[2]!) * anchors[mask[box]!]![0],
    Math.exp(p[3]!) * anchors[mask[box]!]![1],
  ];
  for (let n = 0; n < ITEMS; n++) {
    const boxes = Array.from({ length: 4 }, (_, t) => truth[n]!.slice(5 * t, 5 * t + 5));
    const present = boxes.slice(
      0,
      boxes.findIndex((box) => box[3] === 0) < 0 ? 4 : boxes.findIndex((box) => box[3] === 0),
    );
    for (let cell = 0; cell < CELLS; cell++)
      for (let box = 0; box < NUM; box++) {
        const p = read(n, box, cell);
        const best = Math.max(0, ...present.map((b) => iou(boxOf(p, box, cell), b.slice(1) as unknown as Corners)));
        write(n, box, cell, options.elsewhere(p, best <= options.thresh));
      }
    for (const [label, cx, cy, w, h] of present as unknown as [number, number, number, number, number][]) {
      const [i, j] = [Math.floor(cx * SIDE), Math.floor(cy * SIDE)];
      const cell = j * SIDE + i;
      let [best, chosen] = [0, -1];
      anchors.forEach(([aw, ah], k) => {
        const p = options.byAnchor ? undefined : read(n, k, cell);
        const fit = iou([0, 0, p ? Math.exp(p[2]!) * aw : aw, p ? Math.exp(p[3]!) * ah : ah], [0, 0, w, h]);
        if (fit > best) [best, chosen] = [fit, k];
      });
      const box = mask.indexOf(chosen);
      if (box < 0) continue;
      const p = read(n, box, cell);
      const anchor = anchors[chosen]!;
      const target = [cx * SIDE - i, cy * SIDE - j, Math.log(w / anchor[0]), Math.log(h / anchor[1])];
      const before = Array.from({ length: LENGTH }, (_, c) => delta[at(n, box, c, cell)]!);
      const overlap = iou(boxOf(p, box, cell), [cx, cy, w, h]);
      write(n, box, cell, options.own(p, target, { area: w * h, overlap, label, isTaken: before[5] !== 0 }, before));
    }
  }
  return delta;
}

const list = (name: string, values: readonly number[]) => values.map((value) => `${name}: ${value}`).join(" ");
const x = noise(71, [ITEMS, NUM * LENGTH, SIDE, SIDE], -1.5, 1.5);

async function check(layer: string, expected: Float32Array, gradient = expected): Promise<void> {
  const shape = [ITEMS, 1, 4, 5];
  const text = `${inputLayer("x", ...x.shape)}${inputLayer("label", ...shape)}
    layer { name: "l" ${layer} bottom: "x" bottom: "label" top: "y" }`;
  const ran = await runText(text, { x, label: labels(shape) }, { seeds: { y: tensor([3], []) }, phase: "TRAIN" });
  const loss = expected.reduce((sum, d) => sum + d * d, 0) / ITEMS;
  expectClose({ net: ran.blobs["y"]! }, [], [loss], 1e-4);
  expectClose(
    { net: ran.gradients["x"]! },
    x.shape,
    gradient.map((d) => (3 * d) / ITEMS),
    1e-4,
  );
  expect(expected.some((d) => d !== 0)).to.equal(true);
}

describe("YOLO's losses, against the authors' loops", () => {
  const sizes = [0.9, 1.1, 2.1, 1.8];
  const softmaxed = (raw: readonly number[], c: number) => {
    if (c === 0 || c === 1 || c === 4) return sigmoid(raw[c]!);
    if (c < 4) return raw[c]!;
    const exps = raw.slice(5).map(Math.exp);
    return exps[c - 5]! / exps.reduce((a, b) => a + b, 0);
  };

  for (const [bias, rescore] of [
    [1, 1],
    [0, 0],
  ]) {
    it(`RegionLoss, bias_match ${bias}, rescore ${rescore}`, async () => {
      const anchors = [0, 1].map((k) => [sizes[2 * k]! / SIDE, sizes[2 * k + 1]! / SIDE] as const);
      const expected = deltas(x, {
        activated: softmaxed,
        anchors,
        mask: [0, 1],
        thresh: 0.3,
        byAnchor: bias === 1,
        elsewhere: (p, isFar) => [
          0.01 * (p[0]! - 0.5) * slope(p[0]!),
          0.01 * (p[1]! - 0.5) * slope(p[1]!),
          0.01 * p[2]!,
          0.01 * p[3]!,
          isFar ? 0.7 * p[4]! * slope(p[4]!) : 0,
          ...p.slice(5).map(() => 0),
        ],
        own: (p, target, { area, overlap, label }) => {
          const scale = 1.5 * (rescore ? 1 : 2 - area);
          return [
            ...[0, 1].map((c) => scale * (p[c]! - target[c]!) * slope(p[c]!)),
            ...[2, 3].map((c) => scale * (p[c]! - target[c]!)),
            5 * (p[4]! - (rescore ? overlap : 1)) * slope(p[4]!),
            ...p.slice(5).map((value, c) => 2 * (value - (c === label ? 1 : 0))),
          ];
        },
      });
      await check(
        `type: "RegionLoss" region_loss_param { num_class: ${CLASSES} num: ${NUM} bias_match: ${bias} rescore: ${rescore} thresh: 0.3
          object_scale: 5 noobject_scale: 0.7 class_scale: 2 coord_scale: 1.5 ${list("biases", sizes)} }`,
        expected,
      );
    });
  }

  for (const isLogical of [false, true]) {
    it(`Yolov3, ${isLogical ? "with" : "without"} use_logic_gradient`, async () => {
      const pixels = [30, 35, 60, 60, 20, 14, 90, 50];
      const image = SIDE * 24;
      const expected = deltas(x, {
        activated: (raw, c) => (c === 2 || c === 3 ? raw[c]! : sigmoid(raw[c]!)),
        anchors: [0, 1, 2, 3].map((k) => [pixels[2 * k]! / image, pixels[2 * k + 1]! / image] as const),
        mask: [1, 0],
        thresh: 0.2,
        byAnchor: true,
        elsewhere: (p, isFar) => [0, 0, 0, 0, isFar ? p[4]! : 0, ...p.slice(5).map(() => 0)],
        own: (p, target, { area, label, isTaken }, before) => [
          ...[0, 1, 2, 3].map((c) => 1.5 * (2 - area) * (p[c]! - target[c]!)),
          (isLogical ? 4 : 1) * (p[4]! - 1),
          ...p.slice(5).map((value, c) => {
            if (isTaken) return c === label ? 1 - value : before[5 + c]!;
            return 2 * (value - (c === label ? 1 : 0));
          }),
        ],
      });
      const slopes = Float32Array.from(x.data, (raw, i) => {
        const c = Math.floor(i / CELLS) % LENGTH;
        return isLogical && c !== 2 && c !== 3 ? slope(sigmoid(raw)) : 1;
      });
      await check(
        `type: "Yolov3" yolov3_param { num_class: ${CLASSES} num: ${NUM} thresh: 0.2 anchors_scale: 24 object_scale: 4 class_scale: 2 coord_scale: 1.5
          ${list("biases", pixels)} ${list("mask", [1, 0])} use_logic_gradient: ${isLogical} }`,
        expected,
        expected.map((d, i) => d * slopes[i]!),
      );
    });
  }

  for (const [type, param, message] of [
    ["RegionLoss", "region_loss_param { num: 2 num_class: 3 }", "0 biases are not a width and a height for each of 2"],
    ["RegionLoss", "region_loss_param { num: 2 num_class: 4 biases: 1 }", "is not [n, 2 * 9, side, side]"],
    [
      "RegionLoss",
      'region_loss_param { num: 2 num_class: 3 softmax_tree: "9k.tree" }',
      "trees of classes are not supported",
    ],
    [
      "Yolov3",
      `yolov3_param { num: 2 num_class: 3 mask: 0 mask: 5 ${list("biases", [1, 2, 3, 4])} }`,
      "no anchor for box 1",
    ],
  ] as const) {
    it(`${type} refuses with "${message}"`, () => {
      const text = `${inputLayer("x", 1, 16, 2, 2)}${inputLayer("label", 1, 10)}
        layer { name: "l" type: "${type}" bottom: "x" bottom: "label" top: "y" ${param} }`;
      expect(refusal(text)).to.contain(message);
    });
  }
});
