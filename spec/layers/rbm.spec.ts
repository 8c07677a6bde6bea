import { expect } from "chai";
import { count, float32, input, inputName, type Value } from "../../lib/graph/index.js";
import { gradient } from "../../lib/net/gradient.js";
import { prng } from "../support/prng.js";
import { inputLayer, lowerText, refusal } from "../support/net.js";
import { runGraph } from "../support/run-graph.js";

const [N, V, H] = [5, 4, 3];

const machine = (fields: string) =>
  `${inputLayer("v", N, V)}layer { name: "m" type: "RBM" bottom: "v" ${["loss", "error", "energy", "again"]
    .map((top) => `top: "${top}"`)
    .join(" ")} loss_weight: [1, 0, 0, 0] rbm_param { num_output: ${H} ${fields} } }`;

type Values = Readonly<Record<string, Float32Array>>;

/** A machine's tops, the gradients of its loss and the numbers that were fed, by name. */
async function run(fields: string, chain?: Float32Array): Promise<{ readonly fed: Values; readonly result: Values }> {
  const net = lowerText(machine(fields), "TRAIN");
  const draw = prng(3);
  const fed: Record<string, Float32Array> = {};
  fed["v"] = Float32Array.from({ length: N * V }, () => (draw() < 0.5 ? 1 : 0));
  for (const { value } of net.parameters)
    fed[inputName(value)!] = Float32Array.from({ length: count(value.type.shape) }, () => draw() - 0.5);
  for (const leaf of net.randoms) fed[inputName(leaf)!] = Float32Array.from({ length: count(leaf.type.shape) }, draw);
  for (const leaf of net.carries.keys()) fed[inputName(leaf)!] = chain ?? new Float32Array(N * V);
  const seed = input("seed", float32([]));
  const wrt = net.parameters.map(({ value }) => value);
  const found = gradient(new Map([[net.blobs.get("loss")!, seed]]), wrt);
  const outputs: Record<string, Value> = Object.fromEntries(found.map((value, i) => [`d${i}`, value!]));
  for (const top of ["loss", "error", "energy", "again"]) outputs[top] = net.blobs.get(top)!;
  for (const next of net.carries.values()) outputs["chain"] = next;
  const result = await runGraph(outputs, { ...fed, seed: Float32Array.of(1) });
  return { fed: { ...fed, ...Object.fromEntries(net.randoms.map((r, i) => [`r${i}`, fed[inputName(r)!]!])) }, result };
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Box and Muller's normal number i of n pairs. */
const normal = (u: Float32Array, i: number) =>
  Math.sqrt(-2 * Math.log(1 - u[i]!)) * Math.cos(2 * Math.PI * u[i + u.length / 2]!);

/** Contrastive divergence written as loops over rows and units, in doubles. */
function loop(fed: Values, from: Float32Array, o: { k: number; persistent?: boolean; gv?: boolean; gh?: boolean }) {
  const [w, c, b] = ["param:m/0", "param:m/1", "param:m/2"].map((key) => fed[key]!) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const hiddenMean = (v: ArrayLike<number>, row: number, j: number) => {
    let x = c[j]!;
    for (let i = 0; i < V; i++) x += w[j * V + i]! * v[row * V + i]!;
    return o.gh ? x : sigmoid(x);
  };
  let v: Float64Array = Float64Array.from(from);
  let drawn = 0;
  const sample = (mean: number, gaussian: boolean | undefined, u: Float32Array, at: number) =>
    gaussian ? mean + normal(u, at) : Number(u[at]! < mean);
  for (let step = 1; step <= o.k; step++) {
    const hidden = new Float64Array(N * H);
    const u = fed[`r${drawn++}`]!;
    for (let row = 0; row < N; row++)
      for (let j = 0; j < H; j++) hidden[row * H + j] = sample(hiddenMean(v, row, j), o.gh, u, row * H + j);
    const next = new Float64Array(N * V);
    const samples = step < o.k || o.persistent ? fed[`r${drawn++}`]! : undefined;
    for (let row = 0; row < N; row++)
      for (let i = 0; i < V; i++) {
        let x = b[i]!;
        for (let j = 0; j < H; j++) x += w[j * V + i]! * hidden[row * H + j]!;
        const mean = o.gv ? x : sigmoid(x);
        next[row * V + i] = samples ? sample(mean, o.gv, samples, row * V + i) : mean;
      }
    v = next;
  }
  const data = fed["v"]!;
  const dw = new Float64Array(H * V);
  const dc = new Float64Array(H);
  const db = new Float64Array(V);
  for (let row = 0; row < N; row++) {
    for (let j = 0; j < H; j++) {
      const [plus, minus] = [hiddenMean(data, row, j), hiddenMean(v, row, j)];
      dc[j]! -= (plus - minus) / N;
      for (let i = 0; i < V; i++) dw[j * V + i]! -= (plus * data[row * V + i]! - minus * v[row * V + i]!) / N;
    }
    for (let i = 0; i < V; i++) db[i]! -= (data[row * V + i]! - v[row * V + i]!) / N;
  }
  return { dw, dc, db, v };
}

const near = (a: ArrayLike<number>, b: ArrayLike<number>, what: string) => {
  expect(a.length, what).to.equal(b.length);
  // Sums of float32 products against doubles.
  for (let i = 0; i < a.length; i++) expect(a[i], `${what}[${i}]`).to.be.closeTo(b[i]!, 2e-6 * (1 + Math.abs(b[i]!)));
};

function same(result: Values, { dw, dc, db }: ReturnType<typeof loop>) {
  near(result["d0"]!, dw, "dW");
  near(result["d1"]!, dc, "dc");
  near(result["d2"]!, db, "db");
}

describe("an RBM layer", () => {
  it("has the gradients of CD-1 that a loop has", async () => {
    const { fed, result } = await run("");
    same(result, loop(fed, fed["v"]!, { k: 1 }));
  });

  it("has those of CD-3", async () => {
    const { fed, result } = await run("cd_steps: 3");
    same(result, loop(fed, fed["v"]!, { k: 3 }));
  });

  it("has those of Gaussian visible and hidden units", async () => {
    const { fed, result } = await run("visible: GAUSSIAN hidden: GAUSSIAN cd_steps: 2");
    same(result, loop(fed, fed["v"]!, { k: 2, gv: true, gh: true }));
  });

  it("starts persistent chains at the data and continues them with samples", async () => {
    const first = await run("persistent: true");
    const expected = loop(first.fed, first.fed["v"]!, { k: 1, persistent: true });
    same(first.result, expected);
    near(first.result["chain"]!, expected.v, "chain");
    const chain = Float32Array.from({ length: N * V }, (_, i) => i % 2);
    const next = await run("persistent: true", chain);
    same(next.result, loop(next.fed, chain, { k: 1, persistent: true }));
  });

  it("gives free energies that are minus the logarithm of the sum over all hidden states", async () => {
    const { fed, result } = await run("");
    const [w, c, b] = ["param:m/0", "param:m/1", "param:m/2"].map((key) => fed[key]!);
    let sum = 0;
    for (let row = 0; row < N; row++) {
      let states = 0;
      for (let h = 0; h < 2 ** H; h++) {
        let energy = 0;
        for (let i = 0; i < V; i++) energy -= b![i]! * fed["v"]![row * V + i]!;
        for (let j = 0; j < H; j++) {
          if (!(h & (1 << j))) continue;
          energy -= c![j]!;
          for (let i = 0; i < V; i++) energy -= w![j * V + i]! * fed["v"]![row * V + i]!;
        }
        states += Math.exp(-energy);
      }
      sum -= Math.log(states);
    }
    expect(result["energy"]![0]).to.be.closeTo(sum / N, 1e-5);
  });

  it("refuses no units, no steps and a bottom without units", () => {
    expect(refusal(machine("").replace("num_output: 3", ""))).to.include("num_output must be greater than 0");
    expect(refusal(machine("cd_steps: 0"))).to.include("cd_steps must be at least 1");
    expect(refusal(machine("").replace(/dim: 4/, ""))).to.include("is not [rows, ...units]");
  });
});
