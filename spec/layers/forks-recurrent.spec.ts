import { expect } from "chai";
import { Net, type Tensor } from "../../lib/api/net.js";
import { expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal, tensor } from "../support/net.js";

const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

/** One step of LSTMUnit's: the cell and the output of one entry, from its gates' inputs i, f, o, g. */
function unit([i, f, o, g]: readonly number[], cell: number, cont: number) {
  const next = cont * sigmoid(f!) * cell + sigmoid(i!) * Math.tanh(g!);
  return { cell: next, out: sigmoid(o!) * Math.tanh(next) };
}

describe("SLLSTM, against plain loops", () => {
  const [T, N, K, D] = [4, 3, 2, 2];
  const x = noise(1, [T, N, K]);
  const [wh, b, wx, ws] = [[4 * D, D], [4 * D], [4 * D, K], [4 * D, K]].map((shape, i) => [
    ...noise(i + 2, shape).data,
  ]);
  const fixed = noise(6, [N, K]);
  // Sequences of 2 and 2, of 3 and nothing, and of 1 and 3.
  const marker = tensor([-2, -3, -1, 1, 1, -3, -2, 1, 1, 1, 0, 1], [T, N]);

  function expected(goesOn: (t: number, n: number) => boolean, same?: Tensor) {
    const y: number[] = [];
    const [h, c] = [0, 1].map(() => Array.from({ length: N }, () => Array<number>(D).fill(0))) as [
      number[][],
      number[][],
    ];
    for (let t = 0; t < T; t++)
      for (let n = 0; n < N; n++) {
        const cont = t > 0 && goesOn(t, n) ? 1 : 0;
        const gate = (at: number) => {
          let sum = b![at]!;
          for (let k = 0; k < K; k++) sum += wx![at * K + k]! * x.data[(t * N + n) * K + k]!;
          if (same) for (let k = 0; k < K; k++) sum += ws![at * K + k]! * same.data[n * K + k]!;
          for (let d = 0; d < D; d++) sum += wh![at * D + d]! * h[n]![d]! * cont;
          return sum;
        };
        const next = Array.from({ length: D }, (_, d) =>
          unit(
            [0, 1, 2, 3].map((k) => gate(k * D + d)),
            c[n]![d]!,
            cont,
          ),
        );
        h[n] = next.map(({ out }) => out);
        c[n] = next.map(({ cell }) => cell);
        y.push(...h[n]!);
      }
    return y;
  }

  it("begins anew where its marker is not above 0", async () => {
    const goesOn = (t: number, n: number) => marker.data[t * N + n]! > 0;
    const param = `type: "SLLSTM" recurrent_param { num_output: ${D} debug_info: true }`;
    const [y] = await run(param, [x, marker], [wh!, b!, wx!]);
    expectClose(y, [T, N, D], expected(goesOn));
    const [withStatic] = await run(param, [x, marker, fixed], [wh!, b!, wx!, ws!]);
    expectClose(withStatic, [T, N, D], expected(goesOn, fixed));
    const [without] = await run(param, [x], [wh!, b!, wx!]);
    expectClose(
      without,
      [T, N, D],
      expected(() => true),
    );
  });

  it("fills its blobs, and refuses bottoms that do not fit", async () => {
    const text = (bottoms: string, param: string) =>
      `${inputLayer("x", T, N, K)}${inputLayer("m", T, N)}${inputLayer("s", N, K)}${inputLayer("z", N)} layer { name: "l" type: "SLLSTM" ${bottoms} top: "y" recurrent_param { ${param} } }`;
    const fillers = "num_output: 2 weight_filler { value: 2 } bias_filler { value: 3 }";
    await using net = await Net.load(text(`bottom: "x" bottom: "m" bottom: "s"`, fillers));
    const filled = net.params.get("l")!.map(({ data }) => [...new Set(data)]);
    expect(filled).to.deep.equal([[2], [3], [2], [2]]);
    expect(refusal(text(`bottom: "x" bottom: "z"`, "num_output: 2"))).to.contain("is not a flag for each step");
    expect(refusal(text(`bottom: "x" bottom: "m" bottom: "z"`, "num_output: 2"))).to.contain(
      "a static input, is not [3,2]",
    );
    expect(refusal(text(`bottom: "m"`, "num_output: 2"))).to.contain("is not [timesteps, streams, features]");
    expect(refusal(text(`bottom: "x"`, "num_output: 2 expose_hidden: true"))).to.contain("do not expose");
    expect(refusal(text(`bottom: "x"`, ""))).to.contain("num_output must be greater than 0");
  });
});

describe("ConvLSTM, against plain loops", () => {
  const [T, N, C, D, H, W] = [3, 2, 2, 2, 3, 4];
  const x = noise(10, [T, N, C, H, W]);
  const flags = [0, 0, 1, 0, 1, 1];
  const cont = tensor(flags, [T, N]);
  const at = (t: Tensor, ...place: readonly number[]) => t.data[place.reduce((a, p, i) => a * t.shape[i]! + p, 0)]!;

  interface Kind {
    readonly input?: boolean;
    readonly peephole?: "planes" | "channels";
    readonly bias: boolean;
    readonly group: number;
    /** Of the hidden convolution. */
    readonly kernel: readonly [number, number];
    readonly dilation: readonly [number, number];
  }

  /** Blobs in their order. */
  function blobsOf({ input = true, peephole, bias, group, kernel }: Kind) {
    const four = <T>(of: (k: number) => T) => [0, 1, 2, 3].map(of);
    return {
      x: input ? four((k) => noise(20 + k, [D, C / group, 3, 3])) : [],
      h: four((k) => noise(30 + k, [D, D, ...kernel])),
      b: bias ? four((k) => noise(40 + k, [D])) : [],
      v: peephole ? [0, 1, 2].map((k) => noise(50 + k, peephole === "planes" ? [H, W] : [D])) : [],
    };
  }

  function expected(kind: Kind, first: readonly [Tensor, Tensor]) {
    const { x: wx, h: wh, b, v } = blobsOf(kind);
    const shape = [T, N, D, H, W];
    const y = { shape, data: new Float32Array(T * N * D * H * W) };
    let [h, c] = first;
    for (let t = 0; t < T; t++) {
      const empty = () => ({ shape: [1, N, D, H, W], data: new Float32Array(N * D * H * W) });
      const next: [Tensor, Tensor] = [empty(), empty()];
      for (let n = 0; n < N; n++)
        for (let d = 0; d < D; d++)
          for (let i = 0; i < H; i++)
            for (let j = 0; j < W; j++) {
              const keep = flags[t * N + n]!;
              const gates = [0, 1, 2, 3].map((k) => {
                let sum = b[k]?.data[d] ?? 0;
                for (let u = 0; u < 3; u++)
                  for (let q = 0; q < 3; q++) {
                    const [r, s] = [i + u - 1, j + q - 1];
                    if (!wx[k] || r < 0 || s < 0 || r >= H || s >= W) continue;
                    const own = C / kind.group;
                    for (let m = 0; m < own; m++)
                      sum += at(wx[k], d, m, u, q) * at(x, t, n, Math.floor(d / (D / kind.group)) * own + m, r, s);
                  }
                for (let u = 0; u < kind.kernel[0]; u++)
                  for (let q = 0; q < kind.kernel[1]; q++) {
                    const r = i + (u - (kind.kernel[0] - 1) / 2) * kind.dilation[0];
                    const s = j + (q - (kind.kernel[1] - 1) / 2) * kind.dilation[1];
                    if (r < 0 || s < 0 || r >= H || s >= W) continue;
                    for (let m = 0; m < D; m++) sum += at(wh[k]!, d, m, u, q) * at(h, 0, n, m, r, s) * keep;
                  }
                const weight = v[k] && (kind.peephole === "planes" ? at(v[k], i, j) : v[k].data[d]!);
                return sum + (weight ?? 0) * at(c, 0, n, d, i, j);
              });
              const { cell, out } = unit(gates, at(c, 0, n, d, i, j), keep);
              const place = ((n * D + d) * H + i) * W + j;
              next[0].data[place] = out;
              next[1].data[place] = cell;
              y.data[t * N * D * H * W + place] = out;
            }
      [h, c] = next;
    }
    return { y, h, c };
  }

  const zeros = { shape: [1, N, D, H, W], data: new Float32Array(N * D * H * W) };
  const values = (blobs: readonly Tensor[]) => blobs.map(({ data }) => [...data]);

  it("has convolutions for gates, and weights of cells at each place", async () => {
    const kind: Kind = { peephole: "planes", bias: true, group: 1, kernel: [3, 3], dilation: [1, 1] };
    const { x: wx, h: wh, b, v } = blobsOf(kind);
    const blobs = values([...wx, ...wh.flatMap((w, k) => [w, b[k]!]), ...v]);
    const [y] = await run(
      `type: "ConvLSTM" lstm_conv_param { num_output: ${D} kernel_size: 3 pad: 1 }`,
      [x, cont],
      blobs,
    );
    const { y: all } = expected(kind, [zeros, zeros]);
    expectClose(y, all.shape, all.data, 3e-5);
  });

  it("has exposed states, other windows for hidden states, and weights of cells for each channel", async () => {
    const kind: Kind = { peephole: "channels", bias: false, group: 2, kernel: [1, 3], dilation: [1, 2] };
    const { x: wx, h: wh, v } = blobsOf(kind);
    const [h0, c0] = [noise(60, zeros.shape), noise(61, zeros.shape)];
    const param = `recurrent_param { expose_hidden: true debug_info: true } lstm_debug_param { axis_hadamard: 2 num_axes_hadamard: 1 }
      lstm_conv_param { type: "hidden" num_output: ${D} kernel_size: 1 kernel_size: 3 pad: 0 pad: 2 stride: 1 dilation: 1 dilation: 2 bias_term: false }
      lstm_conv_param { type: "input" num_output: ${D} kernel_size: 3 pad: 1 group: 2 }`;
    const tops = await run(`type: "ConvLSTM" ${param}`, [x, cont, h0, c0], values([...wx, ...wh, ...v]), 3);
    const { y, h, c } = expected(kind, [h0, c0]);
    [y, h, c].forEach((each, i) => {
      expectClose(tops[i], each.shape, each.data, 3e-5);
    });
  });

  it("goes on from one forward to the next, and may leave out x and the weights of cells", async () => {
    const kind: Kind = { input: false, bias: true, group: 1, kernel: [3, 3], dilation: [1, 1] };
    const { h: wh, b } = blobsOf(kind);
    const text = `${inputLayer("x", T, N, C, H, W)}${inputLayer("cont", T, N)} layer { name: "l" type: "ConvLSTM" bottom: "x" bottom: "cont" top: "y"
      lstm_debug_param { ignore_x: true disable_hadamard: true } lstm_conv_param { num_output: ${D} kernel_size: 3 pad: 1 } }`;
    await using net = await Net.load(text);
    const blobs = net.params.get("l")!;
    wh.flatMap((w, k) => [w, b[k]!]).forEach(({ data }, i) => {
      blobs[i]!.data.set(data);
    });
    const go = tensor([1, 1, ...flags.slice(2)], [T, N]);
    const first = expected(kind, [zeros, zeros]);
    expectClose({ net: (await net.forward({ x, cont }))["y"]! }, first.y.shape, first.y.data, 3e-5);
    flags.splice(0, 2, 1, 1);
    const second = expected(kind, [first.h, first.c]);
    flags.splice(0, 2, 0, 0);
    expectClose({ net: (await net.forward({ x, cont: go }))["y"]! }, second.y.shape, second.y.data, 3e-5);
  });

  it("fills its blobs, those of cells with ones, and refuses what does not fit", async () => {
    const text = (param: string, bottoms = "") =>
      `${inputLayer("x", T, N, C, H, W)}${inputLayer("cont", T, N)}${inputLayer("p", T, N, C)} layer { name: "l" type: "ConvLSTM" bottom: "x" bottom: "cont" ${bottoms} top: "y" ${param} }`;
    const conv = "num_output: 2 kernel_size: 3 pad: 1";
    await using net = await Net.load(
      text(`lstm_conv_param { ${conv} weight_filler { value: 2 } bias_filler { value: 3 } }`),
    );
    expect(net.params.get("l")!.map(({ data }) => [...new Set(data)][0])).to.deep.equal([
      ...[2, 2, 2, 2],
      ...[2, 3, 2, 3, 2, 3, 2, 3],
      ...[1, 1, 1],
    ]);
    expect(refusal(text("lstm_conv_param { num_output: 2 kernel_size: 3 }"))).to.contain(
      "do not keep height and width",
    );
    expect(refusal(text(`lstm_conv_param { ${conv} stride: 2 }`))).to.contain("do not keep height and width");
    expect(refusal(text(""))).to.contain("lstm_conv_param is given 0 times");
    expect(refusal(text(`lstm_conv_param { ${conv} group: 3 }`))).to.contain("group 3 does not divide");
    expect(refusal(text(`lstm_conv_param { ${conv} } recurrent_param { expose_hidden: true }`))).to.contain(
      "4 bottoms and 3 tops",
    );
    expect(refusal(text(`lstm_conv_param { ${conv} } lstm_debug_param { axis_hadamard: 4 }`))).to.contain(
      "of more than 5 axes",
    );
    expect(refusal(text(`lstm_conv_param { ${conv} }`).replace('bottom: "x"', 'bottom: "p"'))).to.contain(
      "is not [timesteps",
    );
  });
});
