import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Solver, type SolverOptions } from "../../lib/index.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { prng } from "../support/prng.js";
import { root } from "../support/shared.js";

const METHODS = ["LBFGS", "ConjugateGradient", "LineGradientDescent"] as const;
const [ROWS, INPUTS] = [12, 3];

const regression = (loss: string, outputs: number) => `net_param {
  layer { name: "in" type: "Input" top: "data" top: "label" input_param { shape { dim: ${ROWS} dim: ${INPUTS} } shape { dim: ${ROWS} } } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: ${outputs} } }
  layer { name: "loss" type: "${loss}" bottom: "ip" bottom: "label" top: "loss" } }`;

const solver = (net: string, type: string, fields = "") =>
  `${net} type: "${type}" max_iter: 1000 random_seed: 1 snapshot_after_train: false ${fields}`;

/** Rows, and labels of a linear function with noise, or the sign of that. */
function rows(classes: boolean) {
  const draw = prng(11);
  return Array.from({ length: ROWS }, () => {
    const data = Array.from({ length: INPUTS }, () => 4 * draw() - 2);
    const value = data.reduce((sum, x, i) => sum + (i + 1) * x, 0.5) + (draw() - 0.5) * (classes ? 6 : 1);
    return { data, label: classes ? Number(value > 0) : value };
  });
}

/** Solves A x = y by elimination. */
function solve(a: readonly (readonly number[])[], y: readonly number[]): number[] {
  const m = a.map((row, i) => [...row, y[i]!]);
  for (let i = 0; i < m.length; i++) {
    for (let j = 0; j < m.length; j++) {
      if (i === j) continue;
      const factor = m[j]![i]! / m[i]![i]!;
      m[j] = m[j]!.map((value, k) => value - factor * m[i]![k]!);
    }
  }
  return m.map((row, i) => row.at(-1)! / row[i]!);
}

const outer = (x: readonly number[], factor: number): readonly (readonly number[])[] =>
  x.map((a) => x.map((b) => factor * a * b));
const sumOf = (parts: readonly (readonly number[])[]): readonly number[] =>
  parts.reduce((a, b) => a.map((value, i) => value + b[i]!));

async function trained(text: string, iterations: number, options: SolverOptions) {
  await using loaded = await Solver.load(text, options);
  const losses = await loaded.step(iterations);
  return { losses, params: [...loaded.net.params.values()].map((blobs) => blobs.map(({ data }) => [...data])) };
}

describe("methods that search along lines", () => {
  for (const type of METHODS) {
    it(`${type} finds the least squares of a linear regression`, async () => {
      const data = rows(false);
      const x = data.map((row) => [...row.data, 1]);
      const normal = x.map((row) => outer(row, 1)).reduce((a, b) => a.map((row, i) => sumOf([row, b[i]!])));
      const best = solve(normal, sumOf(x.map((row, i) => row.map((value) => value * data[i]!.label))));
      const { params, losses } = await trained(solver(regression("EuclideanLoss", 1), type), 40, { data });
      const [weights, bias] = params[0] as [number[], number[]];
      [...weights, ...bias].forEach((value, i) => {
        expect(value, `${i}`).to.be.closeTo(best[i]!, 2e-3);
      });
      for (let i = 1; i < losses.length; i++) expect(losses[i], `${i}`).to.be.at.most(losses[i - 1]! * (1 + 1e-5));
    });

    it(`${type} finds the weights of a logistic regression with weight decay`, async () => {
      const data = rows(true);
      const decay = 0.1;
      // Newton's method in doubles; the two classes' weights are opposite, so that their decay is that of w / 2, twice.
      let w: readonly number[] = [0, 0, 0, 0];
      for (let i = 0; i < 30; i++) {
        const x = data.map((row) => [...row.data, 1]);
        const p = x.map((row) => 1 / (1 + Math.exp(-row.reduce((sum, value, k) => sum + value * w[k]!, 0))));
        const g = sumOf([
          ...x.map((row, r) => row.map((v) => (v * (p[r]! - data[r]!.label)) / ROWS)),
          w.map((v) => (decay / 2) * v),
        ]);
        const identity = w.map((_, a) => w.map((__, b) => (a === b ? decay / 2 : 0)));
        const h = [...x.map((row, r) => outer(row, (p[r]! * (1 - p[r]!)) / ROWS)), identity].reduce((a, b) =>
          a.map((row, k) => sumOf([row, b[k]!])),
        );
        const step = solve(h, g);
        w = w.map((value, k) => value - step[k]!);
      }
      const text = solver(regression("SoftmaxWithLoss", 2), type, `weight_decay: ${decay}`);
      const { params } = await trained(text, 60, { data });
      const [weights, bias] = params[0] as [number[], number[]];
      const found = [...[0, 1, 2].map((k) => weights[INPUTS + k]! - weights[k]!), bias[1]! - bias[0]!];
      found.forEach((value, k) => {
        expect(value, `${k}`).to.be.closeTo(w[k]!, 5e-3);
      });
    });
  }

  it("LBFGS and ConjugateGradient find the optimum of Iris that scipy's methods of these names find", async () => {
    const lines = readFileSync(join(root, "examples/iris/iris.csv"), "utf8").trim().split("\n").slice(1);
    const species = ["setosa", "versicolor", "virginica"];
    const data = lines.map((line) => {
      const cells = line.split(",");
      return { data: cells.slice(0, 4).map(Number), label: species.indexOf(cells[4]!) };
    });
    const net = regression("SoftmaxWithLoss", 3)
      .replaceAll(`dim: ${ROWS}`, "dim: 150")
      .replace(`dim: ${INPUTS}`, "dim: 4");
    for (const type of ["LBFGS", "ConjugateGradient"] as const) {
      const { losses, params } = await trained(solver(net, type, "weight_decay: 0.01"), 200, { data });
      const penalty = params.flat(2).reduce((sum, w) => sum + 0.005 * w * w, 0);
      // scipy 1.17, minimize by L-BFGS-B in doubles: 0.28487893 after 46 iterations; by CG 0.28487890 after 82.
      expect(losses.at(-1)! + penalty, type).to.be.closeTo(0.2848789, 1e-6);
    }
  });

  it("LBFGS and ConjugateGradient follow Rosenbrock's valley to its end, which steepest descent does not reach", async () => {
    const net = `net_param {
      layer { name: "in" type: "Input" top: "one" input_param { shape { dim: 1 dim: 1 } } }
      layer { name: "x" type: "InnerProduct" bottom: "one" top: "x" inner_product_param { num_output: 1 bias_term: false weight_filler { type: "constant" value: -1.2 } } }
      layer { name: "y" type: "InnerProduct" bottom: "one" top: "y" inner_product_param { num_output: 1 bias_term: false weight_filler { type: "constant" value: 1 } } }
      layer { name: "square" type: "Eltwise" bottom: "x" bottom: "x" top: "square" eltwise_param { operation: PROD } }
      layer { name: "near" type: "EuclideanLoss" bottom: "x" bottom: "one" top: "near" loss_weight: 2 }
      layer { name: "valley" type: "EuclideanLoss" bottom: "y" bottom: "square" top: "valley" loss_weight: 200 } }`;
    const data = [{ one: [1] }];
    const last: Record<string, number> = {};
    for (const type of METHODS) {
      const { params, losses } = await trained(solver(net, type), 60, { data });
      expect(losses[0], type).to.be.closeTo(24.2, 1e-3);
      last[type] = losses.at(-1)!;
      if (type === "LineGradientDescent") continue;
      for (const [[value]] of params as [[number]][]) expect(value, type).to.be.closeTo(1, 5e-3);
    }
    expect(last["LBFGS"]).to.be.below(1e-6);
    expect(last["LineGradientDescent"]).to.be.above(0.01);
  });

  describe("in snapshots", () => {
    const folder = freshFolder();

    for (const type of METHODS) {
      it(`${type} resumes bit-exactly`, async () => {
        const data = rows(true);
        const text = solver(regression("SoftmaxWithLoss", 2), type, `weight_decay: 0.01`);
        const whole = await trained(text, 8, { data });
        await using first = await Solver.load(text, { data });
        await first.step(4);
        const { state } = await first.snapshot(join(folder(), type));
        const rest = await trained(text, 4, { data, snapshot: state });
        expect(rest.losses).to.deep.equal(whole.losses.slice(4));
        expect(rest.params).to.deep.equal(whole.params);
      });
    }
  });

  it("sum the batches of iter_size", async () => {
    const data = rows(true);
    const half = regression("SoftmaxWithLoss", 2).replaceAll(`dim: ${ROWS}`, `dim: ${ROWS / 2}`);
    const one = await trained(solver(regression("SoftmaxWithLoss", 2), "LBFGS"), 5, { data });
    const two = await trained(solver(half, "LBFGS", "iter_size: 2"), 5, { data });
    two.losses.forEach((loss, i) => {
      expect(loss).to.be.closeTo(one.losses[i]!, 1e-4);
    });
  });

  it("are refused what they cannot do, with the reason", async () => {
    const data = rows(true);
    const text = (fields: string) => solver(regression("SoftmaxWithLoss", 2), "LBFGS", fields);
    const load = (fields: string, options: SolverOptions = {}) => Solver.load(text(fields), { data, ...options });
    await failure(load("", { workers: 2 }), "LBFGS trains one replica on this machine, not several");
    await failure(load("momentum: 0.9"), "LBFGS has no momentum");
    await failure(load("clip_gradients: 1"), "LBFGS has no clip_gradients");
    await failure(load('weight_decay: 0.1 regularization_type: "L1"'), "LBFGS has no regularization_type");
    await failure(load("l1_decay: 0.1"), "LBFGS has no l1_decay");
    const limited = text("").replace("inner_product_param", "param { max_norm: 1 } inner_product_param");
    await failure(Solver.load(limited, { data }), 'LBFGS has no max_norm, which layer "ip" has');
    const misspelt = solver(regression("SoftmaxWithLoss", 2), "LBFGSS", 'base_lr: 1 lr_policy: "fixed"');
    await failure(Solver.load(misspelt, { data }), 'did you mean "LBFGS"?');
  });
});
