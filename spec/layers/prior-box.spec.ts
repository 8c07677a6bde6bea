import { expect } from "chai";
import { expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal } from "../support/net.js";

/** Numbers of a field in a text. */
const numbers = (text: string, name: string) =>
  [...text.matchAll(new RegExp(`\\b${name}: ([\\d.]+)`, "g"))].map(([, v]) => Number(v));

/** Dense boxes of the forks for FaceBoxes, loop by loop, in their whole numbers: corners as parts of an image. */
function dense(param: string, [h, w]: readonly [number, number], [imageH, imageW]: readonly [number, number]) {
  const step = numbers(param, "step")[0]!;
  const fixed = numbers(param, "fixed_ratio");
  const ratios = [1];
  for (const ratio of numbers(param, "aspect_ratio")) ratios.push(ratio, 1 / ratio);
  const boxes: number[] = [];
  for (let row = 0; row < h; row++)
    for (let column = 0; column < w; column++) {
      const [x, y] = [(column + 0.5) * step, (row + 0.5) * step];
      numbers(param, "fixed_size").forEach((size, s) => {
        const density = numbers(param, "density")[s]!;
        const shift = Math.trunc(size / density);
        for (const ratio of fixed.length > 0 ? fixed : ratios) {
          const [bw, bh] =
            fixed.length === 0 && ratio === 1
              ? [Math.trunc(size), Math.trunc(size)]
              : [size * Math.sqrt(ratio), size / Math.sqrt(ratio)];
          for (let r = 0; r < density; r++)
            for (let c = 0; c < density; c++) {
              const half = Math.floor(Math.trunc(size) / 2);
              const [cx, cy] = [x - half + shift / 2 + c * shift, y - half + shift / 2 + r * shift];
              boxes.push(Math.max(0, (cx - bw / 2) / imageW), Math.max(0, (cy - bh / 2) / imageH));
              boxes.push(Math.min(1, (cx + bw / 2) / imageW), Math.min(1, (cy + bh / 2) / imageH));
            }
        }
      });
    }
  return boxes;
}

describe("PriorBox with boxes of fixed sizes", () => {
  for (const param of [
    "fixed_size: 32 fixed_size: 64 fixed_size: 128 density: 4 density: 2 density: 1 step: 32",
    "fixed_size: 33.6 density: 3 aspect_ratio: 2 step: 16",
    "fixed_size: 21 fixed_size: 40 fixed_ratio: 0.5 density: 2 density: 1 step: 20",
  ]) {
    it(`lays as many in a cell as their density says: ${param}`, async () => {
      const boxes = dense(param, [2, 3], [64, 96]);
      const [y] = await run(`type: "PriorBox" prior_box_param { ${param} variance: 0.3 }`, [
        noise(1, [1, 2, 2, 3]),
        noise(1, [1, 3, 64, 96]),
      ]);
      expectClose(y, [1, 2, boxes.length], [...boxes, ...boxes.map(() => 0.3)]);
    });
  }

  for (const [param, message] of [
    ["fixed_size: 32", "0 density for 1 fixed_size"],
    ["fixed_size: 32 density: 0", "must be positive"],
    ["fixed_size: 32 density: 1 min_size: 3", "min_size and fixed_size are both given"],
    ["fixed_size: 32 density: 1 fixed_ratio: 1 fixed_ratio: 2", "no room for the boxes of more than one"],
    ["fixed_size: 32 density: 1 fixed_ratio: 1 aspect_ratio: 2", "fixed_ratio and aspect_ratio are both given"],
    ["min_size: 3 density: 1", "density is given without fixed_size"],
    ["min_size: 3 fixed_ratio: 1", "fixed_ratio is given without fixed_size"],
  ] as const)
    it(`refuses "${param}"`, () => {
      const layer = `layer { name: "l" type: "PriorBox" bottom: "x" bottom: "data" top: "y" prior_box_param { ${param} } }`;
      expect(refusal(inputLayer("x", 1, 2, 2, 3) + inputLayer("data", 1, 3, 64, 96) + layer)).to.contain(message);
    });
});
