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

describe("planes mirrored and tiled, against plain loops", () => {
  const x = noise(22, [2, 8, 4, 6]);
  const value = at(x);

  it("Flip mirrors along the width by default", async () => {
    const flipped = async (param: string, h: (i: number) => number, w: (i: number) => number) =>
      expectClose(
        (await run(`type: "Flip" ${param}`, [x]))[0],
        [2, 8, 4, 6],
        filled([2, 8, 4, 6], (n, c, i, j) => value(n, c, h(i), w(j))),
      );
    const same = (i: number) => i;
    await flipped("", same, (j) => 5 - j);
    await flipped("flip_param { flip_height: true flip_width: false }", (i) => 3 - i, same);
    await flipped(
      "flip_param { flip_height: true }",
      (i) => 3 - i,
      (j) => 5 - j,
    );
  });

  it("GSTiling makes channels of blocks, the channels of a place together, and blocks of them", async () => {
    const [y] = await run(`type: "GSTiling" gs_tiling_param { stride: 2 }`, [x]);
    const place = (c: number) => Math.floor(c / 8);
    expectClose(
      y,
      [2, 32, 2, 3],
      filled([2, 32, 2, 3], (n, c, h, w) => value(n, c % 8, 2 * h + Math.floor(place(c) / 2), 2 * w + (place(c) % 2))),
    );
    const [back] = await run(`type: "GSTiling" gs_tiling_param { stride: 2 reverse: true }`, [x]);
    expectClose(
      back,
      [2, 2, 8, 12],
      filled([2, 2, 8, 12], (n, c, h, w) =>
        value(n, ((h % 2) * 2 + (w % 2)) * 2 + c, Math.floor(h / 2), Math.floor(w / 2)),
      ),
    );
  });

  it("sizes that do not divide are refused", () => {
    const refused = (text: string) =>
      refusal(`${inputLayer("x", 2, 6, 3, 4)} layer { name: "l" bottom: "x" top: "y" type: "GSTiling" ${text} }`);
    expect(refused("")).to.contain("stride must be greater than 0");
    expect(refused("gs_tiling_param { stride: 2 }")).to.contain("no multiples of 2");
    expect(refused("gs_tiling_param { stride: 2 reverse: true }")).to.contain("no multiple of 4");
  });
});
