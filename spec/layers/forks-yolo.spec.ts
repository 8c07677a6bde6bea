import { expect } from "chai";
import type { Tensor } from "../../lib/api/net.js";
import { at, expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal } from "../support/net.js";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  readonly score: number;
  readonly label: number;
}

/** The fork's suppression, whatever the class, and its rows. */
function rowsOf(boxes: readonly Box[], overlap: number, item: number): readonly (readonly number[])[] {
  const iou = (a: Box, b: Box) => {
    const side = (p: number, s: number, q: number, t: number) =>
      Math.min(p + s / 2, q + t / 2) - Math.max(p - s / 2, q - t / 2);
    const [w, h] = [side(a.x, a.w, b.x, b.w), side(a.y, a.h, b.y, b.h)];
    const shared = w < 0 || h < 0 ? 0 : w * h;
    return shared / (a.w * a.h + b.w * b.h - shared);
  };
  const kept: Box[] = [];
  for (const box of [...boxes].sort((a, b) => b.score - a.score))
    if (kept.every((other) => iou(other, box) < overlap)) kept.push(box);
  return kept.map(({ x, y, w, h, score, label }) => [
    item,
    label + 1,
    score,
    x - w / 2,
    y - h / 2,
    x + w / 2,
    y + h / 2,
  ]);
}

/** Values of a box: x, y, w, h, objectness and classes. */
const valuesOf = (grid: Tensor, [n, box, row, column]: readonly [number, number, number, number], classes: number) =>
  Array.from({ length: 5 + classes }, (_, k) => at(grid)(n, box * (5 + classes) + k, row, column));

describe("YOLO's detection outputs, against plain loops", () => {
  const [ITEMS, CLASSES] = [2, 3];
  const biases = "biases: 0.8 biases: 1.1 biases: 2.5 biases: 1.9";
  const anchors = [
    [0.8, 1.1],
    [2.5, 1.9],
  ];

  function v2(grids: readonly Tensor[], threshold: number, overlap: number) {
    return Array.from({ length: ITEMS }, (_, n) => {
      const boxes: Box[] = [];
      for (const grid of grids) {
        const side = grid.shape[3]!;
        for (let row = 0; row < side; row++)
          for (let column = 0; column < side; column++)
            anchors.forEach(([aw, ah], box) => {
              const [x, y, w, h, object, ...classes] = valuesOf(grid, [n, box, row, column], CLASSES) as [
                number,
                number,
                number,
                number,
                number,
                ...number[],
              ];
              const exps = classes.map(Math.exp);
              const best = Math.max(...exps);
              const score = (sigmoid(object) * best) / exps.reduce((a, b) => a + b);
              if (score < threshold) return;
              boxes.push({
                x: (column + sigmoid(x)) / side,
                y: (row + sigmoid(y)) / side,
                w: (Math.exp(w) * aw!) / side,
                h: (Math.exp(h) * ah!) / side,
                score,
                label: exps.indexOf(best),
              });
            });
      }
      return rowsOf(boxes, overlap, n);
    }).flat();
  }

  for (const [sides, threshold, overlap] of [
    [[4], 0.3, 0.45],
    [[4, 2], 0.2, 0.2],
  ] as const) {
    it(`YoloDetectionOutput of ${sides.length} grids`, async () => {
      const grids = sides.map((side, i) => noise(31 + i, [ITEMS, 2 * (5 + CLASSES), side, side], -2, 2));
      const rows = v2(grids, threshold, overlap);
      const [y] = await run(
        `type: "YoloDetectionOutput" yolo_detection_output_param { num_classes: ${CLASSES} num_box: 2 ${biases} confidence_threshold: ${threshold} nms_threshold: ${overlap} }`,
        grids,
      );
      expect(rows.length).to.be.greaterThan(4);
      expectClose(y, [1, 1, rows.length, 7], rows.flat());
    });
  }

  it("Yolov3DetectionOutput takes the anchors of each grid by its mask", async () => {
    const sides = [2, 4];
    const grids = sides.map((side, i) => noise(41 + i, [ITEMS, 2 * (5 + CLASSES), side, side], -2, 2));
    const pixels = [10, 14, 23, 27, 37, 58, 81, 82];
    const mask = [2, 3, 0, 1];
    const rows = Array.from({ length: ITEMS }, (_, n) => {
      const boxes: Box[] = [];
      grids.forEach((grid, i) => {
        const side = sides[i]!;
        const image = side * [32, 16][i]!;
        for (let row = 0; row < side; row++)
          for (let column = 0; column < side; column++)
            for (let box = 0; box < 2; box++) {
              const [x, y, w, h, object, ...classes] = valuesOf(grid, [n, box, row, column], CLASSES) as [
                number,
                number,
                number,
                number,
                number,
                ...number[],
              ];
              const anchor = mask[box + 2 * i]!;
              classes.forEach((value, label) => {
                const score = sigmoid(value) * sigmoid(object);
                if (score <= 0.25) return;
                boxes.push({
                  x: (column + sigmoid(x)) / side,
                  y: (row + sigmoid(y)) / side,
                  w: (Math.exp(w) * pixels[2 * anchor]!) / image,
                  h: (Math.exp(h) * pixels[2 * anchor + 1]!) / image,
                  score,
                  label,
                });
              });
            }
      });
      return rowsOf(boxes, 0.4, n);
    }).flat();
    const list = (name: string, values: readonly number[]) => values.map((value) => `${name}: ${value}`).join(" ");
    const [y] = await run(
      `type: "Yolov3DetectionOutput" yolov3_detection_output_param { num_classes: ${CLASSES} num_box: 2 confidence_threshold: 0.25 nms_threshold: 0.4
        ${list("biases", pixels)} ${list("mask", mask)} ${list("anchors_scale", [32, 16])} mask_group_num: 2 }`,
      grids,
    );
    expect(rows.length).to.be.greaterThan(4);
    expectClose(y, [1, 1, rows.length, 7], rows.flat());
  });

  it("give a row of -1 for each item where nothing is found", async () => {
    const grid = noise(51, [2, 16, 2, 2]);
    const [y] = await run(
      `type: "YoloDetectionOutput" yolo_detection_output_param { num_classes: 3 num_box: 2 ${biases} confidence_threshold: 0.99 }`,
      [grid],
    );
    expectClose(y, [1, 1, 2, 7], [0, -1, -1, -1, -1, -1, -1, 1, -1, -1, -1, -1, -1, -1]);
  });

  for (const [type, param, message] of [
    [
      "YoloDetectionOutput",
      "yolo_detection_output_param { num_classes: 3 num_box: 2 }",
      "0 biases are not a width and a height for each of 2 anchors",
    ],
    [
      "YoloDetectionOutput",
      `yolo_detection_output_param { num_classes: 9 num_box: 2 ${biases} }`,
      "is not [n, 2 * 14, side, side]",
    ],
    [
      "Yolov3DetectionOutput",
      `yolov3_detection_output_param { num_classes: 3 num_box: 2 ${biases} }`,
      "1 bottoms for a mask_group_num of 2",
    ],
    [
      "Yolov3DetectionOutput",
      `yolov3_detection_output_param { num_classes: 3 num_box: 2 mask_group_num: 1 mask: 0 mask: 1 ${biases} }`,
      "no anchors_scale for bottom 0",
    ],
    [
      "Yolov3DetectionOutput",
      `yolov3_detection_output_param { num_classes: 3 num_box: 2 mask_group_num: 1 mask: 0 mask: 7 anchors_scale: 32 ${biases} }`,
      "no anchor for box 1 of bottom 0",
    ],
  ] as const) {
    it(`${type} refuses with "${message}"`, () => {
      const text = `${inputLayer("x", 1, 16, 2, 2)} layer { name: "l" type: "${type}" bottom: "x" top: "y" ${param} }`;
      expect(refusal(text)).to.contain(message);
    });
  }
});
