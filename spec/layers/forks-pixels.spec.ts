import { expect } from "chai";
import { at, expectClose, filled, noise, run } from "../support/forks.js";
import { inputLayer, refusal } from "../support/net.js";

describe("layers of nets from PyTorch, against plain loops", () => {
  const x = noise(21, [2, 8, 3, 4]);
  const value = at(x);
  const refused = (text: string, bottoms = 'bottom: "x"') =>
    refusal(`${inputLayer("x", 2, 6, 3, 4)} layer { name: "l" ${bottoms} top: "y" ${text} }`);

  it("PixelShuffle makes blocks of channels", async () => {
    const dims = [2, 2, 6, 8];
    const [y] = await run(`type: "PixelShuffle" pixelshuffle_param { upscale_factor: 2 }`, [x]);
    expectClose(
      y,
      dims,
      filled(dims, (n, c, h, w) => value(n, c * 4 + (h % 2) * 2 + (w % 2), Math.floor(h / 2), Math.floor(w / 2))),
    );
    expect(refused(`type: "PixelShuffle" pixelshuffle_param { upscale_factor: 2 }`)).to.contain("no multiple of 4");
  });

  it("MaxUnPool puts entries where the mask says", async () => {
    const mask = { shape: x.shape, data: Float32Array.from(x.data, (_, i) => ((i % 12) * 7 + 2) % 40) };
    const dims = [2, 8, 5, 8];
    const expected = new Array<number>(640).fill(0);
    for (const [i, v] of x.data.entries()) expected[Math.floor(i / 12) * 40 + mask.data[i]!] = v;
    const [y] = await run(`type: "MaxUnPool" max_unpool_param { dst_h: 5 dst_w: 8 }`, [x, mask]);
    expectClose(y, dims, expected);
    expect(refused(`type: "MaxUnPool" max_unpool_param { dst_h: 5 }`, 'bottom: "x" bottom: "x"')).to.contain(
      "needs dst_h and dst_w",
    );
  });

  it("Unsqueeze adds an axis", async () => {
    for (const [dim, shape] of [
      [0, [1, 2, 8, 3, 4]],
      [2, [2, 8, 1, 3, 4]],
      [-1, [2, 8, 3, 4, 1]],
      [-2, [2, 8, 3, 1, 4]],
    ] as const) {
      const [y] = await run(`type: "Unsqueeze" unsqueeze_param { dim: ${dim} }`, [x]);
      expectClose(y, shape, [...x.data]);
    }
    expect(refused(`type: "Unsqueeze" unsqueeze_param { dim: 5 }`)).to.contain("out of range");
  });

  it("Pad adds borders of one value, or takes them away", async () => {
    const [wide] = await run(`type: "Pad" pad_param { pad_u: 1 pad_d: 2 pad_r: 3 pad_value: 0.5 }`, [x]);
    const dims = [2, 8, 6, 7];
    expectClose(
      wide,
      dims,
      filled(dims, (n, c, h, w) => (h >= 1 && h < 4 && w < 4 ? value(n, c, h - 1, w) : 0.5)),
    );
    const [cut] = await run(`type: "Pad" pad_param { pad_u: -1 pad_d: -1 pad_l: -2 pad_r: -1 }`, [x]);
    expectClose(
      cut,
      [2, 8, 1, 1],
      filled([2, 8, 1, 1], (n, c) => value(n, c, 1, 2)),
    );
    expect(refused(`type: "Pad" pad_param { pad_u: 1 pad_type: REFLECT }`)).to.contain("pads with a constant");
    expect(refused(`type: "Pad" pad_param { pad_u: 1 pad_d: -1 }`)).to.contain("on all four sides, or on none");
    expect(refused(`type: "Pad" pad_param { pad_u: -2 pad_d: -1 pad_l: -1 pad_r: -1 }`)).to.contain("nothing is left");
  });

  it("BilinearInterpolate keeps the corners", async () => {
    const bilinear = (dims: readonly [number, number, number, number]) =>
      filled(dims, (n, c, i, j) => {
        const [h, w] = [(i * 2) / (dims[2] - 1), (j * 3) / (dims[3] - 1)];
        const [top, left] = [Math.min(Math.floor(h), 1), Math.min(Math.floor(w), 2)];
        const row = (of: number) => value(n, c, of, left) * (left + 1 - w) + value(n, c, of, left + 1) * (w - left);
        return row(top) * (top + 1 - h) + row(top + 1) * (h - top);
      });
    for (const [param, dims] of [
      ["dst_h: 5 dst_w: 7", [2, 8, 5, 7]],
      ["dst_w: 9", [2, 8, 3, 9]],
      ["scale_factor: 1.5", [2, 8, 4, 6]],
    ] as const) {
      const [y] = await run(`type: "BilinearInterpolate" bilinear_interpolate_param { ${param} }`, [x]);
      expectClose(y, dims, bilinear(dims));
    }
    for (const param of ["", "dst_h: 3 scale_factor: 2"])
      expect(refused(`type: "BilinearInterpolate" bilinear_interpolate_param { ${param} }`)).to.contain(
        "give dst_h and dst_w, or scale_factor",
      );
    expect(
      refused(`type: "BilinearInterpolate" bilinear_interpolate_param { dst_h: 5 align_corners: false }`),
    ).to.contain("corners in place");
  });
});
