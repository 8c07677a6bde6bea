import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { at, expectClose, filled, noise, run } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("layers of Caffe's forks with weights of their own, against plain loops", () => {
  for (const [type, field] of [
    ["Local", "local_param"],
    ["LocallyConnected", "locally_connected_param"],
    ["LocalWeightedConvolution", "local_weighted_convolution_param"],
  ] as const)
    it(`${type} has weights at each place`, async () => {
      const x = noise(1, [2, 2, 5, 6]);
      const [m, h, w] = [3, 3, 3];
      const [W, b] = [noise(2, [m, 1, 18, h * w]), noise(3, [1, 1, m, h * w])];
      for (const bias of [true, false]) {
        const value = (n: number, o: number, i: number, j: number) => {
          const place = i * w + j;
          let sum = bias ? at(b)(0, 0, o, place) : 0;
          for (let c = 0; c < 2; c++)
            for (let u = 0; u < 3; u++)
              for (let v = 0; v < 3; v++) {
                const [y, x0] = [i * 2 + u - 1, j * 2 + v - 1];
                if (y < 0 || x0 < 0 || y >= 5 || x0 >= 6) continue;
                sum += at(W)(o, 0, (c * 3 + u) * 3 + v, place) * at(x)(n, c, y, x0);
              }
          return sum;
        };
        const param = `${field} { num_output: ${m} kernel_size: 3 stride: 2 pad: 1 bias_term: ${bias} }`;
        const blobs = [W, b].slice(0, bias ? 2 : 1).map(({ data }) => [...data]);
        const [y] = await run(`type: "${type}" ${param}`, [x], blobs);
        expectClose(y, [2, m, h, w], filled([2, m, h, w], value), 3e-5);
      }
      const small = `${inputLayer("x", 1, 2, 2, 5)} layer { name: "l" type: "${type}" bottom: "x" top: "y" ${field} { num_output: 1 kernel_size: 3 } }`;
      expect(refusal(small)).to.contain("the kernel of 3 is larger");
    });

  for (const [steps, growth, isBottleneck] of [
    [2, 2, false],
    [3, 1, true],
  ] as const)
    it(`DenseBlock joins what it computes to what it computes from${isBottleneck ? ", through bottlenecks" : ""}`, async () => {
      const [N, C, H, W] = [2, 3, 3, 4];
      const x = noise(4, [N, C, H, W]);
      const param = `denseblock_param { numTransition: ${steps} growthRate: ${growth} use_BC: ${isBottleneck} moving_average_fraction: 0.3
        Filter_Filler { type: "gaussian" std: 0.3 } BN_Scaler_Filler { type: "gaussian" } BN_Bias_Filler { type: "gaussian" } }`;
      const text = `${inputLayer("x", N, C, H, W)} layer { name: "l" type: "DenseBlock" bottom: "x" top: "y" ${param} }`;
      for (const phase of ["TEST", "TRAIN"] as const) {
        await using net = await Net.load(text, { name: "net", phase, seed: 3 });
        const blobs = net.params.get("l")!;
        expect(blobs).to.have.length((isBottleneck ? 10 : 5) * steps + 1);
        // Means and variances that are not those of fillers.
        blobs.forEach(({ data }, i) => {
          const kind = Math.floor(i / steps) % 5;
          if (kind > 2) data.set(noise(i, [data.length], kind === 3 ? -0.5 : 0.5, 1).data);
        });
        const kept = blobs.map(({ data }) => data.slice());
        const { y } = await net.forward({ x });
        let maps: number[][][] = Array.from({ length: C }, (_, c) =>
          Array.from({ length: N }, (_, n) => [...x.data.slice((n * C + c) * H * W, (n * C + c + 1) * H * W)]),
        );
        const follow = (i: number, c: number, now: number) => {
          expect(blobs[i]!.data[c]).to.be.closeTo(0.7 * kept[i]![c]! + 0.3 * now, 1e-4);
        };
        const activated = (all: number[][][], k: number, t: number) =>
          all.map((map, c) => {
            const [scale, bias, mean, variance] = [1, 2, 3, 4].map((j) => kept[(k + j) * steps + t]![c]!) as [
              number,
              number,
              number,
              number,
            ];
            const entries = map.flat();
            const own = entries.reduce((a, e) => a + e, 0) / entries.length;
            const squares = entries.reduce((a, e) => a + (e - own) ** 2, 0);
            if (phase === "TRAIN") {
              follow((k + 3) * steps + t, c, own);
              follow((k + 4) * steps + t, c, squares / (entries.length - 1));
            }
            const [m, v] = phase === "TEST" ? [mean, variance] : [own, squares / entries.length];
            return map.map((plane) => plane.map((e) => Math.max(0, ((e - m) / Math.sqrt(v + 1e-5)) * scale + bias)));
          });
        for (let t = 0; t < steps; t++) {
          let from = activated(maps, 0, t);
          if (isBottleneck) {
            const inner = kept[5 * steps + t]!;
            const wide = Array.from({ length: 4 * growth }, (_, o) =>
              Array.from({ length: N }, (_, n) =>
                from[0]![n]!.map((_, p) =>
                  from.reduce((a, map, c) => a + map[n]![p]! * inner[o * from.length + c]!, 0),
                ),
              ),
            );
            from = activated(wide, 5, t);
          }
          const filter = kept[t]!;
          const more = Array.from({ length: growth }, (_, o) =>
            Array.from({ length: N }, (_, n) =>
              Array.from({ length: H * W }, (_, p) => {
                let sum = 0;
                for (const [c, map] of from.entries())
                  for (let u = -1; u <= 1; u++)
                    for (let v = -1; v <= 1; v++) {
                      const [i, j] = [Math.floor(p / W) + u, (p % W) + v];
                      if (i < 0 || j < 0 || i >= H || j >= W) continue;
                      // The filter is mirrored.
                      sum += map[n]![i * W + j]! * filter[(o * from.length + c) * 9 + (1 - u) * 3 + (1 - v)]!;
                    }
                return sum;
              }),
            ),
          );
          maps = [...maps, ...more];
        }
        const shape = [N, C + steps * growth, H, W];
        const values = Array.from({ length: N }, (_, n) => maps.flatMap((map) => map[n]!)).flat();
        expectClose({ net: y! }, shape, values, 2e-4);
      }
    });

  it("DenseBlock drops a part of what it adds in training, with use_dropout", async () => {
    const block = (more: string) =>
      `${inputLayer("x", 2, 3, 8, 8)} layer { name: "l" type: "DenseBlock" bottom: "x" top: "y" denseblock_param { numTransition: 1 growthRate: 2 BN_Scaler_Filler { type: "constant" value: 1 } BN_Bias_Filler { type: "constant" value: 1 } Filter_Filler { type: "constant" value: 0.5 } ${more} } }`;
    const x = noise(5, [2, 3, 8, 8]);
    const { blobs } = await runText(block(""), { x }, { phase: "TRAIN" });
    const dropped = (await runText(block("use_dropout: true dropout_amount: 0.25"), { x }, { phase: "TRAIN" })).blobs;
    let zeros = 0;
    for (let n = 0; n < 2; n++)
      for (let k = 3 * 64; k < 5 * 64; k++) {
        const [a, b] = [blobs["y"]!.data[n * 320 + k]!, dropped["y"]!.data[n * 320 + k]!];
        if (b === 0) zeros++;
        else expect(b).to.be.closeTo(a / 0.75, 1e-4);
      }
    expect(zeros / 256).to.be.within(0.12, 0.4);
    expect(refusal(block("dropout_amount: 1"))).to.contain("dropout_amount is 1");
  });

  it("ChannelScale multiplies each place by a number, and gives gradients as it is told", async () => {
    const [x, s] = [noise(6, [2, 3, 2, 2]), noise(7, [2, 1, 2, 2])];
    const seed = noise(8, [2, 3, 2, 2]);
    const scaled = filled([2, 3, 2, 2], (n, c, i, j) => at(x)(n, c, i, j) * at(s)(n, 0, i, j));
    const [both] = await run(`type: "ChannelScale"`, [x, s]);
    expectClose(both, [2, 3, 2, 2], scaled);
    for (const [forward, feature, scale] of [
      [true, true, true],
      [false, true, false],
      [true, false, true],
      [false, false, true],
    ] as const) {
      const param = `channel_scale_param { do_forward: ${forward} do_backward_feature: ${feature} do_backward_scale: ${scale} }`;
      const text = `${inputLayer("x", 2, 3, 2, 2)}${inputLayer("s", 2, 1, 2, 2)} layer { name: "l" type: "ChannelScale" bottom: "x" bottom: "s" top: "y" ${param} }`;
      const { blobs, gradients } = await runText(text, { x, s }, { phase: "TRAIN", seeds: { y: seed } });
      expectClose({ net: blobs["y"]! }, [2, 3, 2, 2], forward ? scaled : x.data);
      const dx = filled([2, 3, 2, 2], (n, c, i, j) => at(seed)(n, c, i, j) * (feature ? at(s)(n, 0, i, j) : 1));
      const ds = filled([2, 1, 2, 2], (n, _, i, j) =>
        scale ? [0, 1, 2].reduce((a, c) => a + at(seed)(n, c, i, j) * at(x)(n, c, i, j), 0) : 0,
      );
      expectClose({ net: gradients["x"]! }, [2, 3, 2, 2], dx);
      if (scale) expectClose({ net: gradients["s"]! }, [2, 1, 2, 2], ds);
      else expect(gradients["s"]?.data.every((v) => v === 0) ?? true).to.equal(true);
    }
    const all = `${inputLayer("x", 2, 3)}${inputLayer("s", 2)} layer { name: "l" type: "ChannelScale" bottom: "x" bottom: "s" top: "y" channel_scale_param { global_scale: true } }`;
    expect(refusal(all)).to.contain("a scale for all");
  });
});

describe("losses of Caffe's forks that compare rows and fields, against plain loops", () => {
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

  for (const [what, classes, allpairs] of [
    ["neighbours", 1, false],
    ["all pairs", 1, true],
    ["two classes", 2, true],
  ] as const)
    it(`RankLoss orders ${what} as their labels, with the authors' gradient`, async () => {
      const n = 6;
      const s = noise(9, [n, classes], -2, 2);
      const labels = [3, 1, 2, 2, 0, 5];
      const score = (i: number) => s.data[i * classes + classes - 1]!;
      let [loss, pairs] = [0, 0];
      const slope = new Float32Array(n);
      for (let i = 0; i < n; i++)
        for (let j = i + 1; j < n; j++) {
          if (!allpairs && (i % 2 !== 0 || j !== i + 1)) continue;
          const d = score(i) - score(j);
          const isUp = labels[i]! > labels[j]!;
          loss += isUp ? -Math.log(sigmoid(d)) : -Math.log(sigmoid(-d));
          pairs++;
          const step = -sigmoid(-d) * (labels[i]! < labels[j]! ? -1 : 1);
          slope[i]! += step / n;
          slope[j]! -= step / n;
        }
      const text = `${inputLayer("s", n, classes)}${inputLayer("t", n)} layer { name: "l" type: "RankLoss" bottom: "s" bottom: "t" top: "y" rank_loss_param { allpairs: ${allpairs} } }`;
      const feeds = { s, t: tensor(labels, [n]) };
      const { blobs, gradients } = await runText(text, feeds, { phase: "TRAIN", seeds: { y: tensor([1], []) } });
      expectClose({ net: blobs["y"]! }, [], [loss / pairs]);
      const own = Array.from(slope).flatMap((v) => (classes === 1 ? [v] : [-v / 2, v / 2]));
      expectClose({ net: gradients["s"]! }, [n, classes], own);
    });

  it("RankLoss says which rows it cannot pair", () => {
    const text = `${inputLayer("s", 5)}${inputLayer("t", 5)} layer { name: "l" type: "RankLoss" bottom: "s" bottom: "t" top: "y" }`;
    expect(refusal(text)).to.contain("give allpairs: true");
  });

  it("LpqLoss sums powers of differences, and leaves out entries that are no number", async () => {
    const [a, b] = [noise(10, [2, 3, 2, 4]), noise(11, [2, 3, 2, 4])];
    b.data[5] = Number.NaN;
    for (const [param, p, q, pe, qe, isMean, isEntries] of [
      ["p: 2 q: 0.5 q_epsilon: 0.25", 2, 0.5, 0, 0.25, false, false],
      [
        "p: 1.5 q: 2 p_epsilon: 0.1 l2_prescale_by_channels: true normalize_by_num_entries: true",
        1.5,
        2,
        0.1,
        1e-2,
        true,
        true,
      ],
    ] as const) {
      let [loss, numbers] = [0, 0];
      for (let n = 0; n < 2; n++)
        for (let k = 0; k < 8; k++) {
          let sum = 0;
          for (let c = 0; c < 3; c++) {
            const d = a.data[(n * 3 + c) * 8 + k]! - b.data[(n * 3 + c) * 8 + k]!;
            if (!Number.isNaN(d)) numbers++;
            sum += (Math.abs(Number.isNaN(d) ? 0 : d) + pe) ** p;
          }
          loss += (sum / (isMean ? 3 : 1) + qe) ** q;
        }
      const text = `${inputLayer("a", 2, 3, 2, 4)}${inputLayer("b", 2, 3, 2, 4)} layer { name: "l" type: "LpqLoss" bottom: "a" bottom: "b" top: "y" lpq_loss_param { ${param} } }`;
      const { blobs, gradients } = await runText(text, { a, b }, { phase: "TRAIN", seeds: { y: tensor([1], []) } });
      expectClose({ net: blobs["y"]! }, [], [loss / (isEntries ? numbers / 3 : 2)]);
      expect(gradients["a"]!.data[5]).to.equal(0);
    }
  });

  it("LpqLoss takes the powers of the iteration", async () => {
    const a = tensor([0.5, 2], [1, 1, 1, 2]);
    const layer = (param: string) =>
      `${inputLayer("a", 1, 1, 1, 2)} layer { name: "l" type: "LpqLoss" bottom: "a" top: "y" lpq_loss_param { q_epsilon: 0 ${param} } }`;
    const param =
      "p: 1 p: 2 p: 3 q: 1 q: 1 q: 2 pq_episode_starts_at_iter: 0 pq_episode_starts_at_iter: 2 pq_episode_starts_at_iter: 3";
    await using net = await Net.load(layer(param), { name: "net", phase: "TRAIN" });
    const seen: number[] = [];
    for (let i = 0; i < 5; i++) seen.push((await net.forward({ a }))["y"]!.data[0]!);
    [2.5, 2.5, 4.25, 0.5 ** 6 + 2 ** 6, 0.5 ** 6 + 2 ** 6].forEach((value, i) => {
      expect(seen[i]).to.be.closeTo(value, 1e-4 * value);
    });
    expect(refusal(layer("p: 1 p: 2 q: 1"))).to.contain("2 p and 1 q");
    expect(refusal(layer("p: 1 p: 2 q: 1 q: 1 pq_episode_starts_at_iter: 0 pq_episode_starts_at_iter: 0"))).to.contain(
      "begin with 0 and rise",
    );
  });
});
