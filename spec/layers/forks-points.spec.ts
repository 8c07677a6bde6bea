import { expect } from "chai";
import { convert } from "../../lib/convert/index.js";
import { at, expectClose, filled, noise, run } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("layers of caffe-windows that take points, against plain loops", () => {
  const points = tensor([1, 3, -2.2, 0.3, 4, 4, -6, -5], [2, 4]);

  for (const [param, middle, std, size] of [
    ["output_height: 5 output_width: 7", 0.5, 1, [5, 7]],
    ["gaussian_std: 1.5 mean_removed: false output_height: 4 output_width: 3", 0, 1.5, [4, 3]],
    ["gaussian_std: 0.6", 0.5, 0.6, [6, 8]],
  ] as const)
    it(`Hotspot draws a map for each point: ${param}`, async () => {
      const [h, w] = size;
      const value = (n: number, p: number, i: number, j: number) => {
        const [x, y] = [points.data[n * 4 + 2 * p]!, points.data[n * 4 + 2 * p + 1]!];
        const [px, py] = [(x / 12 + middle) * w, (y / 10 + middle) * h];
        const density = (0.5 / std / std / Math.PI) * Math.exp((-0.5 * ((px - j) ** 2 + (py - i) ** 2)) / std / std);
        return density > 1e-4 ? density : 0;
      };
      const bottoms = param.includes("output") ? [points] : [points, noise(1, [2, 1, 6, 8])];
      const [y] = await run(`type: "Hotspot" hotspot_param { data_height: 10 data_width: 12 ${param} }`, bottoms);
      expectClose(y, [2, 2, h, w], filled([2, 2, h, w], value), 1e-5);
    });

  for (const asItems of [true, false])
    it(`SubRegion cuts a region around each point, as ${asItems ? "items" : "channels"}`, async () => {
      const x = noise(2, [2, 3, 5, 6]);
      const [height, width] = [3, 2];
      const corner = (n: number, p: number) => {
        const [px, py] = [points.data[n * 4 + 2 * p]!, points.data[n * 4 + 2 * p + 1]!];
        return [Math.floor((px / 9 + 0.5) * 6 - 1), Math.floor((py / 11 + 0.5) * 5 - 1)] as const;
      };
      const entry = (n: number, p: number, c: number, i: number, j: number) => {
        const [x0, y0] = corner(n, p);
        const [r, s] = [y0 + i, x0 + j];
        return r < 0 || s < 0 || r >= 5 || s >= 6 ? 0 : at(x)(n, c, r, s);
      };
      const shape = asItems ? [4, 3, height, width] : [2, 6, height, width];
      const regions = filled(shape, (a, b, i, j) =>
        asItems ? entry(a % 2, Math.floor(a / 2), b, i, j) : entry(a, Math.floor(b / 3), b % 3, i, j),
      );
      const middles = Array.from({ length: 8 }, (_, k) => {
        const [n, p] = [Math.floor(k / 4), Math.floor((k % 4) / 2)];
        const [x0, y0] = corner(n, p);
        return k % 2 === 0 ? ((x0 + width / 2 + 0.5) / 6) * 9 : ((y0 + height / 2 + 0.5) / 5) * 11;
      });
      const truth = noise(3, [2, 4], -3, 3);
      const off = middles.map((middle, k) => truth.data[k]! + (k % 2 === 0 ? 4 : 5) - middle);
      const param = `sub_region_param { region_height: 3 region_width: 2 data_height: 11 data_width: 9 ${asItems ? "as_dim: 0" : ""} }`;
      const tops = await run(`type: "SubRegion" ${param}`, [x, points, truth], [], 3);
      expectClose(tops[0], shape, regions, 0);
      expectClose(tops[1], [2, 4], off, 1e-5);
      expectClose(tops[2], [2, 4], middles, 1e-5);

      const text = `${inputLayer("x", 2, 3, 5, 6)}${inputLayer("p", 2, 4)}${inputLayer("t", 2, 4)} layer { name: "l" type: "SubRegion" bottom: "x" bottom: "p" bottom: "t" top: "y" ${param} }`;
      const seeds = { y: { shape, data: new Float32Array(regions.length).fill(1) } };
      const { gradients } = await runText(text, { x, p: points, t: truth }, { seeds });
      const taken = new Float32Array(x.data.length);
      for (let n = 0; n < 2; n++)
        for (let p = 0; p < 2; p++)
          for (let c = 0; c < 3; c++)
            for (let i = 0; i < height; i++)
              for (let j = 0; j < width; j++) {
                const [x0, y0] = corner(n, p);
                const [r, s] = [y0 + i, x0 + j];
                if (r >= 0 && s >= 0 && r < 5 && s < 6) taken[((n * 3 + c) * 5 + r) * 6 + s]! += 1;
              }
      expectClose({ net: gradients["x"]! }, [2, 3, 5, 6], taken, 0);
    });

  it("refuse bottoms and sizes that do not fit", () => {
    const inputs = `${inputLayer("x", 2, 3, 5, 6)}${inputLayer("p", 2, 4)}${inputLayer("q", 2, 3)}${inputLayer("r", 2, 2)}${inputLayer("s", 1, 4)}`;
    const of = (type: string, bottoms: readonly string[], param: string) =>
      refusal(
        `${inputs} layer { name: "l" type: "${type}" ${bottoms.map((b) => `bottom: "${b}"`).join(" ")} top: "y" ${param} }`,
      );
    const size = "data_height: 4 data_width: 4";
    expect(of("Hotspot", ["q"], "")).to.contain("is not [items, 2 * points]");
    expect(of("Hotspot", ["p"], `hotspot_param { ${size} }`)).to.contain("give output_height and output_width");
    expect(of("Hotspot", ["p", "x"], "")).to.contain("data_height and data_width must be greater than 0");
    expect(of("Hotspot", ["p", "x"], `hotspot_param { ${size} gaussian_std: 0 }`)).to.contain("gaussian_std must be");
    expect(of("SubRegion", ["x", "p", "r"], `sub_region_param { ${size} }`)).to.contain(
      "differ in their number of points",
    );
    expect(of("SubRegion", ["x", "s", "s"], `sub_region_param { ${size} }`)).to.contain("differ in their items");
    expect(of("SubRegion", ["x", "p", "p"], `sub_region_param { ${size} }`)).to.contain("region_height must be");
  });
});

describe("MTCNN's items of one task", () => {
  const [x, labels] = [noise(5, [5, 2, 1, 1]), tensor([-1, 1, 0, -1, 1], [5, 1])];
  const text = (layer: string) =>
    `${inputLayer("x", 5, 2, 1, 1)}${inputLayer("t", 5, 1)} layer { name: "b" type: "Python" bottom: "x" bottom: "t" top: "y" top: "u"
      python_param { module: "pythonLayer" layer: "${layer}" } }`;

  for (const layer of ["cls_Layer", "roi_Layer", "cls_Layer24", "roi_Layer24"])
    it(`${layer} has those whose label is not -1 first, and then zeros`, async () => {
      const seeds = { y: noise(6, [5, 2, 1, 1]) };
      const { blobs, gradients } = await runText(text(layer), { x, t: labels }, { seeds });
      const order = [1, 2, 4];
      expectClose(
        { net: blobs["y"]! },
        [5, 2, 1, 1],
        Array.from({ length: 10 }, (_, i) => x.data[order[i >> 1]! * 2 + (i % 2)] ?? 0),
        0,
      );
      expectClose({ net: blobs["u"]! }, [5, 1], [1, 0, 1, 0, 0], 0);
      const back = Array.from({ length: 10 }, (_, i) => {
        const from = order.indexOf(i >> 1);
        return from < 0 ? 0 : seeds.y.data[from * 2 + (i % 2)]!;
      });
      expectClose({ net: gradients["x"]! }, [5, 2, 1, 1], back, 0);
    });

  it("are all that was predicted in a converted file", async () => {
    const whole = `${text("cls_Layer").replace('bottom: "x"', 'bottom: "p"')}
      layer { name: "p" type: "Power" bottom: "x" top: "p" power_param { scale: 2 } }
      layer { name: "l" type: "SoftmaxWithLoss" bottom: "y" bottom: "u" top: "l" }`;
    const layers = whole.split(/(?=layer \{)/);
    const [a, b, bridge, power, loss] = layers as [string, string, string, string, string];
    const { report } = await convert([a, b, power, bridge, loss].join(""), []);
    expect([Object.keys(report.inputs), Object.values(report.outputs)]).to.deep.equal([["x"], [["N", 2, 1, 1]]]);
  });

  it("needs labels", () => {
    expect(refusal(text("cls_Layer").replace('bottom: "t"', ""))).to.contain("2 bottoms are needed");
    expect(refusal(text("cls_Layer").replace("dim: 5 dim: 1 }", "dim: 4 dim: 1 }"))).to.contain(
      "is not a label for each item",
    );
  });
});
