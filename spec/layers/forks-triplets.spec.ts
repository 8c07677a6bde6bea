import { expect } from "chai";
import { expectClose, noise } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

const [ROWS, K] = [6, 3];
const rowOf = (data: Float32Array, i: number) => [...data.subarray(K * i, K * (i + 1))];
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, k) => sum + v * b[k]!, 0);
const apart = (a: readonly number[], b: readonly number[]) => a.map((v, k) => v - b[k]!);

describe("TripletLoss of several margins, against the authors' loops", () => {
  const [a, p, n] = [noise(6, [ROWS, K]), noise(7, [ROWS, K]), noise(8, [ROWS, K])];
  const text = (
    param: string,
    more = "",
    ends = "",
  ) => `${["a", "p", "n"].map((name) => inputLayer(name, ROWS, K)).join("")}${more}
    layer { name: "l" type: "TripletLoss" bottom: "a" bottom: "p" bottom: "n" ${ends} top: "loss" top: "each" loss_weight: 1 loss_weight: 0 triplet_loss_param { ${param} } }`;

  it("labels say whose margin a triplet has, and a second top has the loss of each", async () => {
    const labels = [1, 0, 2, 1, 0, 2];
    const margins = [0.1, 0.5, 1.5];
    const ran = await runText(
      text("margin: 0.1 margin: 0.5 margin: 1.5", inputLayer("label", ROWS), `bottom: "label"`),
      { a, p, n, label: tensor(labels) },
    );
    const each = labels.map((label, i) => {
      const [near, far] = [p, n].map((other) => apart(rowOf(a.data, i), rowOf(other.data, i))) as [number[], number[]];
      return Math.max(0, margins[label]! + dot(near, near) - dot(far, far));
    });
    expectClose({ net: ran.blobs["each"]! }, [ROWS], each);
    expectClose({ net: ran.blobs["loss"]! }, [], [each.reduce((sum, v) => sum + v) / 2 / ROWS]);
    expect(refusal(text("margin: 0.1 margin: 0.5"))).to.contain("several margins need labels, a fourth bottom");
  });

  it("intriplet_mining takes the nearer of two distances, with the authors' gradient", async () => {
    const ran = await runText(
      text("margin: 1.2 intriplet_mining: true"),
      { a, p, n },
      { seeds: { loss: tensor([2], []) } },
    );
    let [sum, mined] = [0, 0];
    const [da, dp, dn] = [[], [], []] as [number[], number[], number[]];
    for (let i = 0; i < ROWS; i++) {
      const [anchor, positive, negative] = [a, p, n].map(({ data }) => rowOf(data, i)) as [
        number[],
        number[],
        number[],
      ];
      const near = apart(anchor, positive);
      const [fromAnchor, fromPositive] = [apart(anchor, negative), apart(positive, negative)];
      const isMined = dot(fromPositive, fromPositive) < dot(fromAnchor, fromAnchor);
      const far = isMined ? fromPositive : fromAnchor;
      const loss = Math.max(0, 1.2 + dot(near, near) - dot(far, far));
      sum += loss;
      mined += Number(isMined && loss > 0);
      const scale = loss > 0 ? 2 / ROWS : 0;
      da.push(...apart(near, far).map((v) => v * scale));
      dp.push(...near.map((v) => -v * scale));
      dn.push(...far.map((v) => v * scale));
    }
    expect(mined).to.be.within(1, ROWS - 1);
    expectClose({ net: ran.blobs["loss"]! }, [], [sum / 2 / ROWS]);
    for (const [name, values] of [
      ["a", da],
      ["p", dp],
      ["n", dn],
    ] as const)
      expectClose({ net: ran.gradients[name]! }, [ROWS, K], values);
  });
});

describe("RankHardLoss, against the authors' loops", () => {
  const labels = [0, 0, 1, 1, 2, 2];
  const x = noise(9, [ROWS, K]);
  const text = (param: string, weight = 1) => `${inputLayer("x", ROWS, K)}${inputLayer("label", ROWS)}
    layer { name: "l" type: "RankHardLoss" bottom: "x" bottom: "label" top: "loss" loss_weight: ${weight} rank_param { ${param} } }`;
  const run = (param: string, weight = 1) =>
    runText(
      text(param, weight),
      { x, label: tensor(labels) },
      { seeds: { loss: tensor([weight], []) }, phase: "TRAIN" },
    );

  /** The loss and its gradient, where the negatives of each pair are the `most` greatest. */
  function loops(most: number, margin: number, by: number) {
    let loss = 0;
    const dx = new Float64Array(ROWS * K);
    const move = (i: number, of: readonly number[], sign: number) => {
      for (let k = 0; k < K; k++) dx[i * K + k]! += sign * of[k]!;
    };
    for (let i = 0; i < ROWS; i += 2) {
      const [first, second] = [rowOf(x.data, i), rowOf(x.data, i + 1)];
      const pair = dot(first, second);
      const negatives = [...labels.keys()]
        .filter((j) => labels[j] !== labels[i] && dot(first, rowOf(x.data, j)) - pair + margin > 0)
        .sort((j, k) => dot(first, rowOf(x.data, k)) - dot(first, rowOf(x.data, j)));
      for (const j of negatives.slice(0, most)) {
        const other = rowOf(x.data, j);
        for (const [of, at, partner, to] of [
          [first, i, second, i + 1],
          [second, i + 1, first, i],
        ] as const) {
          const missing = dot(of, other) - pair + margin;
          if (missing <= 0) continue;
          loss += missing;
          move(at, other, 1);
          move(j, of, 1);
          move(at, partner, -1);
          move(to, of, -1);
        }
      }
    }
    return { loss: loss / by, dx: dx.map((v) => v / by) };
  }

  it("takes the hardest negatives where all of them are drawn, and a gradient that no weight changes", async () => {
    const ran = await run("neg_num: 2 pair_size: 2 hard_ratio: 1 margin: 0.8", 3);
    const { loss, dx } = loops(2, 0.8, 2 * 3 * 2);
    expectClose({ net: ran.blobs["loss"]! }, [], [loss]);
    expectClose({ net: ran.gradients["x"]! }, [ROWS, K], dx);
  });

  it("takes all negatives where they are few", async () => {
    const ran = await run("neg_num: 4 pair_size: 2 hard_ratio: 0 rand_ratio: 0 margin: 0.8");
    const { loss, dx } = loops(4, 0.8, 4 * 3 * 2);
    expectClose({ net: ran.blobs["loss"]! }, [], [loss]);
    expectClose({ net: ran.gradients["x"]! }, [ROWS, K], dx);
  });

  it("draws some at random, so that the loss lies between those of none and of all", async () => {
    const all = loops(4, 2, 3 * 3 * 2).loss;
    const ran = await run("neg_num: 3 pair_size: 2 hard_ratio: 0.4 rand_ratio: 0.4 margin: 2");
    expect(ran.blobs["loss"]!.data[0]).to.be.within(1e-3, all - 1e-3);
  });

  for (const [param, message] of [
    ["", "pair_size 1 leaves no room for a pair"],
    ["pair_size: 4", "does not have whole sets of 4 rows"],
  ] as const)
    it(`refuses "${param}"`, () => {
      expect(refusal(text(param))).to.contain(message);
    });
});
