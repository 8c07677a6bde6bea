import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Solver } from "../../lib/train/solver.js";
import { freshFolder } from "../support/folder.js";
import { refusal } from "../support/net.js";

const X = [
  [1, 2, -1],
  [0.5, -1, 2],
];
const Y = [
  [3, -4],
  [1, 5],
];
const W = [
  [0.4, -0.2, 0.1],
  [0.3, 0.6, -0.5],
];
const [RATE, MOMENTUM, LIMIT] = [0.1, 0.9, 1.2];

/** The weights [units, inputs] after so many iterations of SGD on the Euclidean loss, kept to LIMIT, in double precision. */
function looped(iterations: number): number[][] {
  const w = W.map((row) => [...row]);
  const h = W.map((row) => row.map(() => 0));
  for (let t = 0; t < iterations; t++) {
    const difference = X.map((x, n) =>
      w.map((row, j) => row.reduce((sum, value, i) => sum + value * x[i]!, 0) - Y[n]![j]!),
    );
    w.forEach((row, j) => {
      row.forEach((_, i) => {
        const gradient = X.reduce((sum, x, n) => sum + difference[n]![j]! * x[i]!, 0) / X.length;
        h[j]![i] = MOMENTUM * h[j]![i]! + RATE * gradient;
        row[i]! -= h[j]![i]!;
      });
      const norm = Math.hypot(...row);
      if (norm > LIMIT) for (const i of row.keys()) row[i]! *= LIMIT / norm;
    });
  }
  return w;
}

const text = (param: string, ip: string) => `
  layer { name: "in" type: "Input" top: "x" top: "y" input_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 2 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "p" param { ${param} } inner_product_param { num_output: 2 bias_term: false ${ip} } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "y" top: "loss" }`;

describe("max_norm of a layer's param", () => {
  const folder = freshFolder();
  const rows = X.map((x, i) => ({ x, y: Y[i]! }));

  async function solverOf(ip = "", more = "", options: object = {}): Promise<Solver> {
    writeFileSync(join(folder(), "net.prototxt"), text(`max_norm: ${LIMIT}`, ip));
    const path = join(folder(), "solver.prototxt");
    writeFileSync(
      path,
      `net: "net.prototxt" base_lr: ${RATE} momentum: ${MOMENTUM} lr_policy: "fixed" max_iter: 20 display: 0 ${more}`,
    );
    const solver = await Solver.load(path, { data: rows, batchSize: 2, ...options });
    const transposed = ip.includes("transpose");
    const values = transposed ? [0, 1, 2].flatMap((i) => W.map((row) => row[i]!)) : W.flat();
    solver.net.params.get("ip")![0]!.data.set(values);
    return solver;
  }
  const weightsOf = ({ net: trained }: Solver) => [...trained.params.get("ip")![0]!.data];

  it("keeps the weights into each unit as long as that, as a loop does, after each update", async () => {
    await using solver = await solverOf();
    for (const iterations of [1, 2, 6]) {
      await solver.step(iterations - solver.iteration);
      const wanted = looped(iterations).flat();
      for (const [i, value] of weightsOf(solver).entries()) expect(value).to.be.closeTo(wanted[i]!, 1e-5);
    }
    expect(Math.hypot(...looped(6)[0]!)).to.be.closeTo(LIMIT, 1e-9);
  });

  it("is of the columns where the weights are transposed", async () => {
    await using solver = await solverOf("transpose: true");
    await solver.step(6);
    const wanted = looped(6);
    for (const [at, value] of weightsOf(solver).entries())
      expect(value).to.be.closeTo(wanted[at % 2]![Math.floor(at / 2)]!, 1e-5);
  });

  it("resumes bit-exactly from a snapshot", async () => {
    const prefix = `snapshot_prefix: "${join(folder(), "s")}"`;
    await using solver = await solverOf("", prefix);
    await solver.step(3);
    const { state } = await solver.snapshot();
    await solver.step(3);
    await using again = await Solver.load(join(folder(), "solver.prototxt"), {
      data: rows,
      batchSize: 2,
      snapshot: state,
    });
    await again.step(3);
    expect(weightsOf(again)).to.deep.equal(weightsOf(solver));
  });

  it("is kept by averaging", async () => {
    const many = Array.from({ length: 16 }, (_, i) => ({ x: [i, 2 - i, i * i], y: [10 * i, -i] }));
    await using solver = await solverOf("", "", { data: many, workers: 2, syncInterval: 2 });
    await solver.step(4);
    const all = weightsOf(solver);
    for (const unit of [all.slice(0, 3), all.slice(3)]) expect(Math.hypot(...unit)).to.be.at.most(LIMIT * (1 + 1e-6));
  });

  it("has to be positive, and of weights whose parts go into units", () => {
    expect(refusal(text("max_norm: -1", ""))).to.include('layer "ip": max_norm is -1; it must be positive');
    const deconvolution = `layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }
      layer { name: "up" type: "Deconvolution" bottom: "x" top: "y" param { max_norm: 2 } convolution_param { num_output: 2 kernel_size: 2 } }`;
    expect(refusal(deconvolution)).to.include(
      'layer "up": Deconvolution has no weights of which a part goes into a unit',
    );
  });
});
