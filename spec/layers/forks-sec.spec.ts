import { expect } from "chai";
import { noise, run } from "../support/forks.js";
import { inputLayer, refusal, runText } from "../support/net.js";

const SHAPE = [2, 3, 2, 4];
const PLACES = 8;
const [CHANNELS, ITEMS] = [3, 2];
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
const index = (n: number, c: number, p: number) => (n * CHANNELS + c) * PLACES + p;
const python = (layer: string) => `type: "Python" python_param { module: "pylayers" layer: "${layer}" }`;

/** SEC's probabilities by a plain loop. */
function probabilities(x: ArrayLike<number>): number[] {
  const y = Array<number>(x.length).fill(0);
  for (const n of upTo(ITEMS))
    for (const p of upTo(PLACES)) {
      const exps = upTo(CHANNELS).map((c) => Math.exp(x[index(n, c, p)]!));
      const total = exps.reduce((a, b) => a + b, 0);
      const raised = exps.map((e) => e / total + 1e-4);
      const sum = raised.reduce((a, b) => a + b, 0);
      for (const c of upTo(CHANNELS)) y[index(n, c, p)] = raised[c]! / sum;
    }
  return y;
}

function seedLoss(p: ArrayLike<number>, cues: ArrayLike<number>): number {
  let loss = 0;
  for (const n of upTo(ITEMS)) {
    let [sum, count] = [0, 0];
    for (let i = n * CHANNELS * PLACES; i < (n + 1) * CHANNELS * PLACES; i++) {
      sum += cues[i]! * Math.log(p[i]!);
      count += cues[i]!;
    }
    loss -= sum / count / ITEMS;
  }
  return loss;
}

function constrainLoss(p: ArrayLike<number>, logQ: ArrayLike<number>): number {
  let loss = 0;
  for (let i = 0; i < p.length; i++) loss += Math.exp(logQ[i]!) * (logQ[i]! - Math.log(p[i]!));
  return loss / (ITEMS * PLACES);
}

/** Slopes of a function of an array, by small steps. */
function slopes(of: (x: Float64Array) => number, at: ArrayLike<number>): number[] {
  return upTo(at.length).map((i) => {
    const moved = (step: number) => of(Float64Array.from(at).map((v, j) => (i === j ? v + step : v)));
    return (moved(1e-5) - moved(-1e-5)) / 2e-5;
  });
}

const expectNear = (actual: ArrayLike<number>, wanted: readonly number[]) => {
  expect(actual.length).to.equal(wanted.length);
  wanted.forEach((value, i) => {
    expect(actual[i], String(i)).to.be.closeTo(value, 2e-4 * Math.max(1, Math.abs(value)));
  });
};

describe("SEC's Python layers, against plain loops", () => {
  it("SoftmaxLayer raises each probability, in a converted file too", async () => {
    const x = noise(1, SHAPE, -9, 9);
    const [y] = await run(python("SoftmaxLayer"), [x]);
    for (const top of [y!.net, y!.file!]) expectNear(top.data, probabilities(x.data));
    const weights = noise(2, SHAPE);
    const text = `${inputLayer("x", ...SHAPE)} layer { name: "l" ${python("SoftmaxLayer")} bottom: "x" top: "y" }`;
    const { gradients } = await runText(text, { x }, { seeds: { y: weights } });
    const of = (at: Float64Array) => probabilities(at).reduce((sum, p, i) => sum + p * weights.data[i]!, 0);
    expectNear(gradients["x"]!.data, slopes(of, x.data));
  });

  for (const [layer, second, loss] of [
    ["SeedLossLayer", [0, 1], seedLoss],
    ["ConstrainLossLayer", [-3, -0.1], constrainLoss],
  ] as const)
    it(`${layer}, and its gradients`, async () => {
      const [p, q] = [noise(3, SHAPE, 0.05, 1), noise(4, SHAPE, ...second)];
      const text = `${inputLayer("p", ...SHAPE)}${inputLayer("q", ...SHAPE)}
        layer { name: "l" ${python(layer)} bottom: "p" bottom: "q" top: "y" loss_weight: 1 }`;
      const { blobs, gradients } = await runText(text, { p, q }, { phase: "TRAIN", seeds: {} });
      expectNear(blobs["y"]!.data, [loss(p.data, q.data)]);
      expectNear(
        gradients["p"]!.data,
        slopes((at) => loss(at, q.data), p.data),
      );
      expectNear(
        gradients["q"]!.data,
        slopes((at) => loss(p.data, at), q.data),
      );
    });

  it("refuse blobs of two shapes", () => {
    const text = `${inputLayer("p", 2, 3, 4)}${inputLayer("q", 2, 3)} layer { name: "l" ${python("SeedLossLayer")} bottom: "p" bottom: "q" top: "y" }`;
    expect(refusal(text)).to.contain("is not like");
  });
});
