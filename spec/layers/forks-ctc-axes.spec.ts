import { expect } from "chai";
import type { Tensor } from "../../lib/api/net.js";
import { convert } from "../../lib/convert/index.js";
import { expectClose, noise } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";
import { prng } from "../support/prng.js";

const [T, N, C] = [4, 3, 3];
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Scores of one step of one sequence. */
type Scores = (t: number, n: number, c: number) => number;

/** Rows of a softmax. */
function probabilities(x: Scores, t: number, n: number): readonly number[] {
  const powers = upTo(C).map((c) => Math.exp(x(t, n, c)));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** -log of the sum over all ways to write a sequence. */
function cost(p: (t: number) => readonly number[], steps: number, labels: readonly number[], blank: number): number {
  let sum = 0;
  for (let k = 0; k < C ** steps; k++) {
    const path = upTo(steps).map((t) => Math.floor(k / C ** t) % C);
    const said = path.filter((c, t) => c !== blank && c !== path[t - 1]);
    if (said.join() === labels.join()) sum += path.reduce((product, c, t) => product * p(t)[c]!, 1);
  }
  return -Math.log(sum);
}

const SAID = [[0, 1], [1], [0, 0]];

describe("CTCLoss by ctc_param, against all alignments", () => {
  /** A tensor of [t, n, c] in another order of axes; `order` has for each axis of x which of those it is. */
  const placed = (x: Scores, order: readonly ("t" | "n" | "c" | 1)[]): Tensor => {
    const sizes = { t: T, n: N, c: C };
    const shape = order.map((axis) => (axis === 1 ? 1 : sizes[axis]));
    const data = upTo(T * N * C).map((flat) => {
      const place = { t: 0, n: 0, c: 0 };
      let rest = flat;
      for (const [i, axis] of [...order.entries()].reverse()) {
        if (axis !== 1) place[axis] = rest % shape[i]!;
        rest = Math.floor(rest / shape[i]!);
      }
      return x(place.t, place.n, place.c);
    });
    return tensor(data, shape);
  };
  const values = noise(1, [T, N, C], -2, 2).data;
  const raw: Scores = (t, n, c) => values[(t * N + n) * C + c]!;
  const even: Scores = (t, n, c) => probabilities(raw, t, n)[c]!;

  for (const [what, param, order, blank, areProbabilities] of [
    ["sequences, classes and steps", "", ["n", "c", "t"], 2, false],
    ["images one row high", "", ["n", "c", 1, "t"], 2, false],
    ["axes in the order of nct_axis", "nct_axis: 1 nct_axis: 2 blank_index: -2", ["t", "n", "c"], 1, false],
    ["probabilities", "already_softmax: true blank_index: 2", ["n", "c", "t"], 2, true],
  ] as const)
    it(`takes ${what}`, async () => {
      const said = blank === 1 ? SAID.map((labels) => labels.map((c) => 2 * c)) : SAID;
      const x = placed(areProbabilities ? even : raw, order);
      const ofRows = order[0] === "n";
      const labels = ofRows
        ? tensor(
            said.flatMap((row) => [...row, -1, -1].slice(0, 3)),
            [N, 3],
          )
        : tensor(
            upTo(3 * N).map((k) => said[k % N]![Math.floor(k / N)] ?? -1),
            [3, N],
          );
      const total = (of: Scores) =>
        upTo(N).map((n) =>
          cost(
            (t) => (areProbabilities ? upTo(C).map((c) => of(t, n, c)) : probabilities(of, t, n)),
            T,
            said[n]!,
            blank,
          ),
        );
      const text = `${inputLayer("x", ...x.shape)}${inputLayer("w", ...labels.shape)}
        layer { name: "l" type: "CTCLoss" bottom: "x" bottom: "w" top: "y" loss_weight: 3 ctc_param { ${param} } }`;
      const { blobs, gradients } = await runText(
        text,
        { x, w: labels },
        { phase: "TRAIN", seeds: { y: tensor([3], []) } },
      );
      const costs = total(areProbabilities ? even : raw);
      expectClose({ net: blobs["y"]! }, [], [costs.reduce((a, b) => a + b, 0) / N], 1e-4);
      // Differences of the sum, divided by all steps, times what the loss weighs.
      const step = 1e-4;
      const slope: Scores = (t, n, c) => {
        const moved =
          (by: number): Scores =>
          (i, j, k) =>
            (areProbabilities ? even : raw)(i, j, k) + (i === t && j === n && k === c ? by : 0);
        const at = (by: number) => total(moved(by)).reduce((a, b) => a + b, 0);
        return (3 * (at(step) - at(-step))) / (2 * step) / (N * T);
      };
      expectClose({ net: gradients["x"]! }, x.shape, placed(slope, order).data, 1e-3);
    });

  it("takes flags, whose last that is on ends a sequence", async () => {
    const steps = [4, 2, 3];
    const flags = tensor(
      upTo(T * N).map((k) => (Math.floor(k / N) < steps[k % N]! && Math.floor(k / N) !== 0 ? 1 : 0)),
      [T, N],
    );
    const labels = tensor(
      upTo(2 * N).map((k) => SAID[k % N]![Math.floor(k / N)] ?? -1),
      [2, N],
    );
    const x = placed(raw, ["t", "n", "c"]);
    const text = `${inputLayer("x", T, N, C)}${inputLayer("f", T, N)}${inputLayer("w", 2, N)}
      layer { name: "l" type: "CTCLoss" bottom: "x" bottom: "f" bottom: "w" top: "y" ctc_param { blank_index: -1 } }`;
    const { blobs, gradients } = await runText(
      text,
      { x, f: flags, w: labels },
      { phase: "TRAIN", seeds: { y: tensor([1], []) } },
    );
    const costs = upTo(N).map((n) => cost((t) => probabilities(raw, t, n), steps[n]!, SAID[n]!, 2));
    expectClose({ net: blobs["y"]! }, [], [costs.reduce((a, b) => a + b, 0) / N], 1e-4);
    const of = (t: number, n: number) => upTo(C).map((c) => gradients["x"]!.data[(t * N + n) * C + c]!);
    expect(
      of(3, 1)
        .concat(of(2, 1), of(3, 2))
        .every((v) => v === 0),
    ).to.equal(true);
    expect(of(1, 1).some((v) => v !== 0)).to.equal(true);
  });

  it("says what it cannot read", () => {
    const text = (shape: readonly number[], labels: readonly number[], param: string) =>
      `${inputLayer("x", ...shape)}${inputLayer("w", ...labels)} layer { name: "l" type: "CTCLoss" bottom: "x" bottom: "w" top: "y" ctc_param { ${param} } }`;
    expect(refusal(text([2, 3, 4, 5], [2, 3], ""))).to.contain("steps along more than one axis");
    expect(refusal(text([2, 3, 4], [3, 2], ""))).to.contain("is not labels [2, l]");
    expect(refusal(text([2, 3, 4], [2, 5], ""))).to.contain("more labels than 4 steps");
    expect(refusal(text([2, 3, 4], [2, 2], "blank_index: 3"))).to.contain("the blank 3 is none of 3 classes");
    expect(refusal(text([2, 3, 4], [2, 2], "nct_axis: 2 nct_axis: 0"))).to.contain("nct_axis is the axis of sequences");
  });
});

describe("SequenceAccuracy, against plain loops", () => {
  /** Edit distance, and the entries that stay, with what to do in ties. */
  function edits(p: readonly number[], w: readonly number[]): readonly [number, number] {
    const far = upTo(p.length + 1).map((i) => upTo(w.length + 1).map((j) => (i === 0 ? j : i)));
    const ways = far.map((row) => row.map(() => ""));
    for (let i = 1; i <= p.length; i++)
      for (let j = 1; j <= w.length; j++) {
        const [above, left] = [far[i - 1]![j]! + 1, far[i]![j - 1]! + 1];
        const change = far[i - 1]![j - 1]! + (p[i - 1] === w[j - 1] ? 0 : 1);
        far[i]![j] = Math.min(above, left, change);
        if (change < above) ways[i]![j] = change < left ? "change" : "left";
        else ways[i]![j] = above < left ? "above" : "left";
      }
    let [i, j, kept] = [p.length, w.length, 0];
    while (i > 0 && j > 0) {
      const way = ways[i]![j];
      if (way === "change" && p[i - 1] === w[j - 1]) kept++;
      if (way !== "left") i--;
      if (way !== "above") j--;
    }
    return [far[p.length]![w.length]!, kept];
  }

  it("counts sequences that are the same, edits, and what they leave", async () => {
    const random = prng(5);
    const [n, t, l] = [40, 6, 5];
    const draw = (length: number) => upTo(length).map(() => Math.floor(random() * 3));
    const predicted = upTo(n).map((k) => (k === 0 ? [] : draw(k === 1 ? t : Math.floor(random() * (t + 1)))));
    const wanted = predicted.map((row, k) => (k % 4 === 0 ? row.slice(0, l) : draw(Math.floor(random() * (l + 1)))));
    const rows = (all: readonly (readonly number[])[], size: number) =>
      tensor(
        // What follows the end counts for nothing.
        all.flatMap((row) => [...row, -1, 1, 2, 0, 1, 2, 1].slice(0, size)),
        [n, size],
      );
    const bottoms = { p: rows(predicted, t), w: rows(wanted, l) };
    const found = predicted.map((row, k) => edits(row, wanted[k]!));
    const mean = (of: readonly number[]) => of.reduce((a, b) => a + b, 0) / n;
    const same = mean(predicted.map((row, k) => Number(row.join() === wanted[k]!.join())));
    expect(same).to.be.within(0.1, 0.5);
    const means = [
      mean(found.map(([far]) => far)),
      mean(wanted.map((row) => row.length)),
      mean(predicted.map((row) => row.length)),
    ];
    for (const tops of [1, 2, 3]) {
      const text = `${inputLayer("p", n, t)}${inputLayer("w", n, l)} layer { name: "l" type: "SequenceAccuracy" bottom: "p" bottom: "w"
        ${upTo(tops)
          .map((i) => `top: "y${i}"`)
          .join(" ")} }`;
      const { blobs } = await runText(text, bottoms);
      expectClose({ net: blobs["y0"]! }, [], [same]);
      if (tops > 1) expectClose({ net: blobs["y1"]! }, [3], means);
      if (tops > 2) expectClose({ net: blobs["y2"]! }, [], [mean(found.map(([, kept]) => kept))]);
    }
  });

  it("is for sequences, and left out of a converted file", async () => {
    const layer = `layer { name: "l" type: "SequenceAccuracy" bottom: "x" bottom: "w" top: "y" }`;
    expect(refusal(`${inputLayer("x", 2, 3)}${inputLayer("w", 3, 3)} ${layer}`)).to.contain("is not sequences [2, l]");
    const text = `${inputLayer("x", 2, 3)}${inputLayer("w", 2, 3)} layer { name: "r" type: "ReLU" bottom: "x" top: "r" } ${layer}`;
    const { report } = await convert(text, []);
    expect(Object.keys(report.outputs)).to.deep.equal(["r"]);
  });
});
