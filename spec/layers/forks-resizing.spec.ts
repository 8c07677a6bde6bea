import { expect } from "chai";
import { at, expectClose, filled, noise, places, run } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("layers of Caffe's forks that change height and width, against plain loops", () => {
  it("Interp interpolates with the corners in place", async () => {
    const x = noise(6, [2, 2, 3, 4]);
    const [y] = await run(`type: "Interp" interp_param { zoom_factor: 3 }`, [x]);
    const value = (n: number, c: number, i: number, j: number) => {
      const [sy, sx] = [(i * 2) / 6, (j * 3) / 9];
      const [h, w] = [Math.min(1, Math.floor(sy)), Math.min(2, Math.floor(sx))];
      const [b, a] = [sy - h, sx - w];
      const p = at(x);
      return (
        (1 - b) * ((1 - a) * p(n, c, h, w) + a * p(n, c, h, w + 1)) +
        b * ((1 - a) * p(n, c, h + 1, w) + a * p(n, c, h + 1, w + 1))
      );
    };
    expectClose(y, [2, 2, 7, 10], filled([2, 2, 7, 10], value));
  });

  for (const [param, height, width] of [
    ["height: 5 width: 9", 5, 9],
    ["height: 2 width: 3", 2, 3],
    ["is_pyramid_test: true out_height_scale: 1.6 out_width_scale: 0.5", 4, 2],
  ] as const)
    it(`Resize counts what is beyond the last row and column as 0: ${param}`, async () => {
      const x = noise(6, [2, 2, 3, 4]);
      const [y] = await run(`type: "Resize" resize_param { ${param} }`, [x]);
      const value = (n: number, c: number, i: number, j: number) => {
        const [fh, fw] = [(i * 3) / height, (j * 4) / width];
        const [h, w] = [Math.floor(fh), Math.floor(fw)];
        const p = (row: number, column: number) => (row < 3 && column < 4 ? at(x)(n, c, row, column) : 0);
        return (
          (1 - fh + h) * ((1 - fw + w) * p(h, w) + (fw - w) * p(h, w + 1)) +
          (fh - h) * ((1 - fw + w) * p(h + 1, w) + (fw - w) * p(h + 1, w + 1))
        );
      };
      expectClose(y, [2, 2, height, width], filled([2, 2, height, width], value), 1e-5);
    });

  it("Resize needs a size", () => {
    const text = (param: string) =>
      `${inputLayer("x", 1, 1, 2, 2)} layer { name: "l" type: "Resize" bottom: "x" top: "y" resize_param { ${param} } }`;
    expect(refusal(text("height: 3"))).to.contain("height and width must be given");
    expect(refusal(text("is_pyramid_test: true out_height_scale: 0.1 out_width_scale: 1"))).to.contain(
      "is not positive",
    );
  });

  for (const [param, size] of [
    ["height: 5 width: 9", [5, 9]],
    ["shrink_factor: 2", [3, 4]],
    ["zoom_factor: 2", [9, 13]],
    ["shrink_factor: 2 zoom_factor: 3", [7, 10]],
    // One factor alone goes before height and width, both come after them.
    ["shrink_factor: 2 height: 5 width: 9", [3, 4]],
    ["shrink_factor: 2 zoom_factor: 3 height: 5 width: 9", [5, 9]],
    ["pad_beg: -1 pad_end: -1 zoom_factor: 2", [5, 9]],
    ["pad_end: -2 height: 1 width: 1", [1, 1]],
  ] as const) {
    it(`Interp with ${param} gives ${size}`, async () => {
      const x = noise(6, [1, 2, 5, 7]);
      const [top, bottom] = [
        Number(/pad_beg: (-?\d)/.exec(param)?.[1] ?? 0),
        Number(/pad_end: (-?\d)/.exec(param)?.[1] ?? 0),
      ];
      const cropped = [5 + top + bottom, 7 + top + bottom] as const;
      const [y] = await run(`type: "Interp" interp_param { ${param} }`, [x]);
      const place = (i: number, to: number, from: number) => {
        const at = to > 1 ? (i * (from - 1)) / (to - 1) : 0;
        const low = Math.floor(at);
        return [low - top, Math.min(low + 1, from - 1) - top, at - low] as const;
      };
      const value = (n: number, c: number, i: number, j: number) => {
        const [h0, h1, b] = place(i, size[0], cropped[0]);
        const [w0, w1, a] = place(j, size[1], cropped[1]);
        const p = (h: number, w: number) => at(x)(n, c, h, w);
        return (1 - b) * ((1 - a) * p(h0, w0) + a * p(h0, w1)) + b * ((1 - a) * p(h1, w0) + a * p(h1, w1));
      };
      expectClose(y, [1, 2, ...size], filled([1, 2, ...size], value));
    });
  }

  it("Interp takes the size of a second bottom, and refuses to guess one", async () => {
    const [y] = await run(`type: "Interp"`, [noise(6, [1, 1, 3, 4]), noise(1, [1, 2, 6, 7])]);
    expect(y!.net.shape).to.deep.equal([1, 1, 6, 7]);
    expect(y!.file!.shape).to.deep.equal([1, 1, 6, 7]);
    const input = inputLayer("x", 1, 1, 3, 4);
    expect(refusal(`${input} layer { name: "l" type: "Interp" bottom: "x" top: "y" }`)).to.contain(
      "give height and width, shrink_factor or zoom_factor",
    );
  });

  it("Upsample repeats entries, or puts them where a pooling's mask says", async () => {
    const x = noise(7, [1, 2, 2, 3]);
    const [near] = await run(`type: "Upsample" upsample_param { stride: 2 }`, [x]);
    expectClose(
      near,
      [1, 2, 4, 6],
      filled([1, 2, 4, 6], (n, c, h, w) => at(x)(n, c, h >> 1, w >> 1)),
    );
    const mask = { shape: x.shape, data: Float32Array.of(7, 2, 11, 12, 21, 16, 0, 8, 5, 18, 20, 23) };
    const [y] = await run(`type: "Upsample" upsample_param { scale: 2 }`, [x, mask]);
    const expected = new Float32Array(48);
    x.data.forEach((value, i) => {
      expected[Math.floor(i / 6) * 24 + mask.data[i]!] = value;
    });
    expectClose(y, [1, 2, 4, 6], expected);
  });

  for (const [param, size] of [
    ["scale: 2 pad_out_h: true pad_out_w: true", [3, 5]],
    ["scale_h: 2 scale_w: 3", [4, 9]],
    ["upsample_h: 5 upsample_w: 4", [5, 4]],
    ["", [4, 6]],
  ] as const) {
    it(`unpooling with "${param}" gives ${size}, and the last of equal places wins`, async () => {
      const x = noise(7, [2, 2, 2, 3]);
      const places = size[0] * size[1];
      const mask = { shape: x.shape, data: Float32Array.from(x.data, (_, i) => (i * 5) % (places - 1)) };
      mask.data[1] = mask.data[0]!;
      const [y] = await run(`type: "Upsample" upsample_param { ${param} }`, [x, mask]);
      const expected = new Float32Array(4 * places);
      x.data.forEach((value, i) => {
        expected[Math.floor(i / 6) * places + mask.data[i]!] = value;
      });
      expectClose(y, [2, 2, ...size], expected);
    });
  }

  it("Reorg rearranges memory as darknet does, and back", async () => {
    const [c, h, w, s] = [8, 4, 6, 2];
    const x = noise(8, [2, c, h, w]);
    const expected = new Float32Array(x.data.length);
    for (const [b, k, j, i] of places(x.shape)) {
      const offset = Math.floor(k / (c / 4));
      const from =
        i * s + (offset % s) + w * s * (j * s + Math.floor(offset / s) + h * s * ((k % (c / 4)) + (c / 4) * b));
      expected[i + w * (j + h * (k + c * b))] = x.data[from]!;
    }
    const [y] = await run(`type: "Reorg" reorg_param { stride: 2 }`, [x]);
    expectClose(y, [2, 32, 2, 3], expected);
    const back = { shape: x.shape, data: expected };
    const [z] = await run(`type: "Reorg" reorg_param { stride: 2 reverse: true }`, [back]);
    expectClose(z, [2, 2, 8, 12], x.data);
  });
});

describe("Unpooling of DeconvNet, against plain loops", () => {
  const shape = [2, 2, 2, 3] as const;
  const x = noise(31, shape);
  const entry = (n: number, c: number, h: number, w: number) => x.data[((n * 2 + c) * 2 + h) * 3 + w]!;
  /** Adds what each entry gives, by its window, to the planes of the result. */
  const spread = (
    size: readonly [number, number],
    kernel: number,
    stride: number,
    share: (count: number) => number,
  ) => {
    const y = new Float32Array(4 * size[0] * size[1]);
    for (const [n, c, h, w] of places(shape)) {
      const [rows, columns] = [h, w].map((at, i) => {
        const dim = [Math.min(at * stride + kernel, size[i]!) - at * stride, at * stride];
        return dim;
      }) as [[number, number], [number, number]];
      for (let i = 0; i < rows[0]; i++)
        for (let j = 0; j < columns[0]; j++)
          y[((n * 2 + c) * size[0] + rows[1] + i) * size[1] + columns[1] + j]! +=
            entry(n, c, h, w) * share(rows[0] * columns[0]);
    }
    return y;
  };

  it("MAX puts entries where the mask says", async () => {
    const mask = tensor([7, 2, 11, 12, 21, 16, 0, 8, 5, 18, 20, 23, 1, 3, 4, 12, 14, 17, 6, 9, 10, 13, 15, 22], shape);
    const y = new Float32Array(4 * 24);
    x.data.forEach((v, i) => {
      y[Math.floor(i / 6) * 24 + mask.data[i]!] = v;
    });
    const [top] = await run(`type: "Unpooling" unpooling_param { kernel_size: 2 stride: 2 unpool_h: 4 unpool_w: 6 }`, [
      x,
      mask,
    ]);
    expectClose(top, [2, 2, 4, 6], y);
  });

  it("MAX gives what the mask's pooling pooled, where no size is said", async () => {
    for (const [h, w] of [
      [4, 6],
      [5, 3],
    ] as const) {
      const whole = noise(33, [2, 2, h, w]);
      const { blobs } = await runText(
        `${inputLayer("x", 2, 2, h, w)}
        layer { name: "p" type: "Pooling" bottom: "x" top: "p" top: "m" pooling_param { kernel_size: 2 stride: 2 } }
        layer { name: "u" type: "Unpooling" bottom: "p" bottom: "m" top: "y" unpooling_param { kernel_size: 2 stride: 2 } }`,
        { x: whole },
      );
      const y = new Float32Array(whole.data.length);
      for (let plane = 0; plane < 4; plane++)
        for (let i = 0; i < h; i += 2)
          for (let j = 0; j < w; j += 2) {
            const inside = [0, 1].flatMap((u) => [0, 1].map((v) => [i + u, j + v] as const));
            const entries = inside.filter(([a, b]) => a < h && b < w).map(([a, b]) => (plane * h + a) * w + b);
            const best = entries.reduce((a, b) => (whole.data[b]! > whole.data[a]! ? b : a));
            y[best] = whole.data[best]!;
          }
      expectClose({ net: blobs["y"]! }, [2, 2, h, w], y);
    }
  });

  it("MAX without a mask puts them where their windows begin", async () => {
    const [top] = await run(`type: "Unpooling" unpooling_param { kernel_size: 2 stride: 2 unpool_size: 6 }`, [x]);
    expectClose(
      top,
      [2, 2, 6, 6],
      spread([6, 6], 1, 2, () => 1),
    );
  });

  it("AVE and TILE add over windows, which end with the result", async () => {
    const [mean] = await run(
      `type: "Unpooling" unpooling_param { unpool: AVE kernel_size: 3 stride: 2 unpool_h: 4 unpool_w: 6 }`,
      [x],
    );
    expectClose(
      mean,
      [2, 2, 4, 6],
      spread([4, 6], 3, 2, (count) => 1 / count),
    );
    const [tiled] = await run(`type: "Unpooling" unpooling_param { unpool: TILE kernel_size: 2 stride: 2 }`, [x]);
    expectClose(
      tiled,
      [2, 2, 5, 7],
      spread([5, 7], 2, 2, () => 1),
    );
  });
});
