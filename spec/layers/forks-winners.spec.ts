import { expect } from "chai";
import { at, expectClose, filled, noise, run } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("layers of research forks, against plain loops", () => {
  for (const [operation, channels] of [
    ["STACK", 2],
    ["ADD", 3],
  ] as const)
    it(`MergeCrop takes the middle of its second bottom: ${operation}`, async () => {
      const [a, b] = [noise(1, [2, 3, 3, 4]), noise(2, [2, channels, 6, 7])];
      const inner = (n: number, c: number, h: number, w: number) => at(b)(n, c, h + 1, w + 1);
      for (const [from, flags] of [
        [[1, 1], ""],
        [[0, 1], "forward: 0 forward: 1"],
        [[1, 0], "forward: 1 forward: 0"],
      ] as const) {
        const [y] = await run(`type: "MergeCrop" mergecrop_param { operation: ${operation} ${flags} }`, [a, b]);
        const shape = [2, operation === "ADD" ? 3 : 5, 3, 4];
        const value = (n: number, c: number, h: number, w: number) =>
          operation === "ADD"
            ? from[0] * at(a)(n, c, h, w) + from[1] * inner(n, c, h, w)
            : c < 3
              ? from[0] * at(a)(n, c, h, w)
              : from[1] * inner(n, c - 3, h, w);
        expectClose(y, shape, filled(shape, value), 1e-6);
      }
    });

  it("MergeCrop gives gradients where backward says so: by default to the first bottom alone", async () => {
    const text = (param: string) =>
      `${inputLayer("a", 1, 1, 2, 2)}${inputLayer("b", 1, 1, 3, 4)} layer { name: "l" type: "MergeCrop" bottom: "a" bottom: "b" top: "y" ${param} }`;
    const inputs = { a: noise(1, [1, 1, 2, 2]), b: noise(2, [1, 1, 3, 4]) };
    const seeds = { y: tensor([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 2]) };
    const of = async (param: string) => {
      const { gradients } = await runText(text(param), inputs, { seeds });
      return ["a", "b"].map((name) => [...(gradients[name]?.data ?? [])].filter((v) => v !== 0));
    };
    expect(await of("")).to.deep.equal([[1, 2, 3, 4], []]);
    expect(await of("mergecrop_param { backward: 0 backward: 1 }")).to.deep.equal([[], [5, 6, 7, 8]]);
    expect(refusal(text("").replace("dim: 3", "dim: 1"))).to.contain("has nothing of the size");
  });

  for (const [group, bias] of [
    [1, true],
    [2, false],
  ] as const)
    it(`CCCP mixes the channels of ${group} groups at each place`, async () => {
      const x = noise(3, [2, 4, 2, 3]);
      const own = 4 / group;
      const [w, b] = [noise(4, [1, 1, group * 3, own]), noise(5, [group * 3])];
      const value = (n: number, o: number, h: number, v: number) => {
        let sum = bias ? b.data[o]! : 0;
        for (let c = 0; c < own; c++) sum += w.data[o * own + c]! * at(x)(n, Math.floor(o / 3) * own + c, h, v);
        return sum;
      };
      const shape = [2, group * 3, 2, 3];
      const blobs = [w, b].slice(0, bias ? 2 : 1).map(({ data }) => [...data]);
      const texts = [
        `type: "CCCP" cccp_param { num_output: 3 group: ${group} biasterm: ${bias} }`,
        `type: "CCCPPooling" cccp_param { num_output: 3 group: ${group} biasterm: ${bias} }`,
        `type: "CCCP" convolution_param { num_output: 3 group: ${group} bias_term: ${bias} }`,
      ];
      for (const text of texts) expectClose((await run(text, [x], blobs))[0], shape, filled(shape, value), 1e-5);
    });

  it("BunchOfNeurons bends a sigmoid by its two exponents", async () => {
    const x = noise(6, [2, 5], -4, 4);
    const [y] = await run(`type: "BunchOfNeurons" bunch_param { bunch_a: 3.8 bunch_b: 3.45 }`, [x]);
    const values = x.data.map((v) => 1 - (1 - (1 / (1 + Math.exp(-v))) ** 3.8) ** 3.45);
    expectClose(y, [2, 5], values, 1e-5);
    const text = `${inputLayer("x", 2)} layer { name: "l" type: "BunchOfNeurons" bottom: "x" top: "y" bunch_param { bunch_a: 0 } }`;
    expect(refusal(text)).to.contain("bunch_a 0 is not greater than 0");
  });

  for (const [param, kernel, stride] of [
    ["kernel_size: 2 stride: 2", [2, 2], [2, 2]],
    ["kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 3", [3, 2], [1, 3]],
    ["global_wta: true", [5, 6], [1, 1]],
  ] as const)
    it(`SpatialWta keeps the entry of the largest magnitude of each window: ${param}`, async () => {
      const x = noise(7, [2, 2, 5, 6]);
      // Two of one magnitude: the first wins.
      x.data[0] = -0.99;
      x.data[1] = 0.99;
      const isKept = new Set<number>();
      for (let plane = 0; plane < 4; plane++)
        for (let h = 0; h + kernel[0] <= 5; h += stride[0])
          for (let w = 0; w + kernel[1] <= 6; w += stride[1]) {
            let best = -1;
            for (let i = h; i < h + kernel[0]; i++)
              for (let j = w; j < w + kernel[1]; j++) {
                const place = plane * 30 + i * 6 + j;
                if (best < 0 || Math.abs(x.data[place]!) > Math.abs(x.data[best]!)) best = place;
              }
            isKept.add(best);
          }
      expect(isKept.has(1)).to.equal(false);
      const [y, mask] = await run(`type: "SpatialWta" spatial_wta_param { ${param} }`, [x], [], 2);
      const shape = [2, 2, 5, 6];
      expectClose(
        y,
        shape,
        x.data.map((v, i) => (isKept.has(i) ? v : 0)),
        0,
      );
      expectClose(
        mask,
        shape,
        x.data.map((_, i) => Number(isKept.has(i))),
        0,
      );
    });

  it("SpatialWta refuses a window that lies in no plane", () => {
    const text = (param: string) =>
      `${inputLayer("x", 1, 1, 2, 3)} layer { name: "l" type: "SpatialWta" bottom: "x" top: "y" spatial_wta_param { ${param} } }`;
    expect(refusal(text("kernel_size: 3"))).to.contain("the window [3,3] does not lie in a plane of [2,3]");
    expect(refusal(text("global_wta: true stride: 2"))).to.contain("a stride of 1");
    expect(refusal(text(""))).to.contain("give kernel_size");
  });

  it("MTCNNEuclideanLoss sums over items whose label is not ignored, and divides its gradient by all", async () => {
    const [a, b] = [noise(8, [3, 4]), noise(9, [3, 4])];
    const squares = (keeps: (n: number) => boolean) =>
      [...a.data].reduce((sum, v, i) => sum + (keeps(Math.floor(i / 4)) ? (v - b.data[i]!) ** 2 : 0), 0) / 2;
    const text = (param: string, labels: string) =>
      `${inputLayer("a", 3, 4)}${inputLayer("b", 3, 4)}${inputLayer("t", 3, 1)} layer { name: "l" type: "MTCNNEuclideanLoss" bottom: "a" bottom: "b" ${labels} top: "y" ${param} }`;
    const given = { a, b, t: tensor([1, -1, 0], [3, 1]) };
    const of = async (whole: string) => {
      const { blobs, gradients } = await runText(whole, given, { seeds: { y: tensor([1], []) } });
      return [blobs["y"]!.data[0]!, gradients["a"]!.data, gradients["b"]!.data] as const;
    };
    for (const [whole, loss, keeps] of [
      [text("", ""), squares(() => true) / 3, () => true],
      [text("loss_param { ignore_label: -1 }", `bottom: "t"`), squares((n) => n !== 1), (n: number) => n !== 1],
    ] as const) {
      const [y, da, db] = await of(whole);
      expect(y).to.be.closeTo(loss, 1e-5);
      a.data.forEach((v, i) => {
        const slope = keeps(Math.floor(i / 4)) ? (v - b.data[i]!) / 3 : 0;
        expect(da[i]).to.be.closeTo(slope, 1e-5);
        expect(db[i]).to.be.closeTo(-slope, 1e-5);
      });
    }
    expect(refusal(text("loss_param { ignore_label: -1 }", ""))).to.contain("ignore_label needs labels");
  });
});
