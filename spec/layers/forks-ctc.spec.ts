import { expect } from "chai";
import { Net, type Tensor } from "../../lib/api/net.js";
import { convert } from "../../lib/convert/index.js";
import { openModelFile } from "../../lib/onnx/file.js";
import { expectClose, noise } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

const [T, N, C] = [5, 4, 3];
const x = noise(81, [T, N, C], -2, 2);

/** Classes without repetitions and blanks. */
const collapsed = (path: readonly number[], blank: number) =>
  path.filter((c, i) => c !== blank && (i === 0 || c !== path[i - 1]));

const equals = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((v, i) => v === b[i]);

function* paths(steps: number): Generator<readonly number[]> {
  if (steps === 0) yield [];
  else for (const rest of paths(steps - 1)) for (let c = 0; c < C; c++) yield [...rest, c];
}

/** CTC's cost of one sequence, over every path there is; 0 where none says the labels. */
function cost(data: ArrayLike<number>, n: number, steps: number, labels: readonly number[], blank: number): number {
  const log = (t: number, c: number) => {
    const row = Array.from({ length: C }, (_, k) => data[(t * N + n) * C + k]!);
    return row[c]! - Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0));
  };
  let sum = 0;
  for (const path of paths(steps))
    if (equals(collapsed(path, blank), labels)) sum += Math.exp(path.reduce((total, c, t) => total + log(t, c), 0));
  return steps > 0 && sum > 0 ? -Math.log(sum) : 0;
}

/** The mean cost of sequences, and differences of their sum. */
function expected(sequences: readonly { steps: number; labels: readonly number[] }[], blank: number) {
  const sum = (data: ArrayLike<number>) =>
    sequences.reduce((total, { steps, labels }, n) => total + cost(data, n, steps, labels, blank), 0);
  const data = Float64Array.from(x.data);
  const gradient = Array.from(data, (value, i) => {
    const at = (by: number) => sum(data.with(i, value + by));
    return (at(1e-5) - at(-1e-5)) / 2e-5;
  });
  return { loss: sum(data) / N, gradient };
}

async function check(
  layer: string,
  others: readonly Tensor[],
  { loss, gradient }: ReturnType<typeof expected>,
  seed = 1,
  scale = 1,
): Promise<void> {
  const names = others.map((_, i) => `b${i}`);
  const text = `${inputLayer("x", ...x.shape)}${others.map(({ shape }, i) => inputLayer(names[i]!, ...shape)).join("")}
    layer { name: "l" ${layer} bottom: "x" ${names.map((name) => `bottom: "${name}"`).join(" ")} top: "y" }`;
  const inputs = { x, ...Object.fromEntries(names.map((name, i) => [name, others[i]!])) };
  const ran = await runText(text, inputs, { seeds: { y: tensor([seed], []) }, phase: "TRAIN" });
  expectClose({ net: ran.blobs["y"]! }, [], [loss], 1e-4);
  expectClose(
    { net: ran.gradients["x"]! },
    x.shape,
    gradient.map((v) => v * scale),
    1e-4,
  );
}

describe("CTC losses, against sums over all paths", () => {
  // Repeated labels, too many labels, none.
  const rows = [[1, 2], [2, 2], [1, 1, 2, 2], []];
  const padded = (blank: number) =>
    tensor(
      rows.flatMap((row) => [...row, ...Array(4 - row.length).fill(blank)]),
      [N, 4],
    );
  const full = rows.map((labels) => ({ steps: T, labels }));

  it("CtcLoss leaves blanks out of its labels, and weighs the sum", async () => {
    const spread = tensor([1, 0, 2, 0, 0, 2, 2, 0, 1, 1, 2, 2, 0, 0, 0, 0], [N, 4]);
    const layer = `type: "CtcLoss" ctc_loss_param { alphabet_size: ${C} time_step: ${T} }`;
    await check(layer, [spread], expected(full, 0), 2, 2);
    const last = full.map(({ steps, labels }) => ({ steps, labels: labels.map((c) => c - 1) }));
    const moved = tensor(
      last.flatMap(({ labels }) => [...labels, ...Array<number>(4 - labels.length).fill(2)]),
      [N, 4],
    );
    await check(
      `type: "CtcLoss" ctc_loss_param { alphabet_size: 3 time_step: 5 blank_label: 2 }`,
      [moved],
      expected(last, 2),
    );
  });

  it("WarpCTCLoss takes labels without indicators", async () => {
    await check(`type: "WarpCTCLoss" loss_weight: 5`, [padded(0)], expected(full, 0), 5);
  });

  const lengths = [5, 4, 3, 2];
  const flags = tensor(
    Array.from({ length: T * N }, (_, i) => (Math.floor(i / N) > 0 && Math.floor(i / N) < lengths[i % N]! ? 1 : 0)),
    [T, N],
  );
  const some = [[1, 0], [0, 0], [1], [0, 1]].map((labels, n) => ({ steps: lengths[n]!, labels }));
  const ended = tensor(
    Array.from({ length: T * N }, (_, i) => some[i % N]!.labels[Math.floor(i / N)] ?? -1),
    [T, N],
  );

  it("CTCLoss takes flags and labels; its blank is the last class", async () => {
    await check(`type: "CTCLoss"`, [flags, ended], expected(some, C - 1));
  });

  it("WarpCTCLoss takes flags and labels, which count from after the blank where that is not given", async () => {
    const shifted = some.map(({ steps, labels }) => ({ steps, labels: labels.map((c) => c + 1) }));
    await check(`type: "WarpCTCLoss"`, [flags, ended], expected(shifted, 0));
    await check(`type: "WarpCTCLoss" ctc_loss_param { blank_index: 2 }`, [flags, ended], expected(some, 2));
  });

  it("WarpCTCLoss takes numbers of steps and of labels", async () => {
    const counts = tensor(some.map(({ labels }) => labels.length));
    const labels = tensor([1, 0, 1, 0, 0, 0, 9, 1], [2, N]);
    await check(
      `type: "WarpCTCLoss" ctc_loss_param { blank_index: 2 }`,
      [tensor(lengths), counts, labels],
      expected(some, 2),
    );
  });

  for (const [type, param, bottoms, message] of [
    ["CtcLoss", "ctc_loss_param { alphabet_size: 4 time_step: 5 }", [[4, 2]], "alphabet_size is 4, and bottom"],
    ["CtcLoss", "ctc_loss_param { alphabet_size: 3 time_step: 4 }", [[4, 2]], "time_step is 4, and bottom"],
    [
      "CtcLoss",
      "ctc_loss_param { alphabet_size: 3 time_step: 5 blank_label: 3 }",
      [[4, 2]],
      "the blank 3 is none of 3",
    ],
    [
      "CTCLoss",
      "ctc_loss_param { output_delay: 1 }",
      [
        [5, 4],
        [2, 4],
      ],
      "only an output_delay of 0",
    ],
    ["WarpCTCLoss", "", [[3, 2]], "is not labels [4, l]"],
  ] as const) {
    it(`${type} refuses with "${message}"`, () => {
      const names = bottoms.map((_, i) => `b${i}`);
      const text = `${inputLayer("x", ...x.shape)}${bottoms.map((shape, i) => inputLayer(names[i]!, ...shape)).join("")}
        layer { name: "l" type: "${type}" bottom: "x" ${names.map((name) => `bottom: "${name}"`).join(" ")} top: "y" ${param} }`;
      expect(refusal(text)).to.contain(message);
    });
  }
});

describe("CTCGreedyDecoder, against a plain loop", () => {
  const steps = [5, 3, 1, 4];
  const flags = tensor(
    Array.from({ length: T * N }, (_, i) => (Math.floor(i / N) > 0 && Math.floor(i / N) < steps[i % N]! ? 1 : 0)),
    [T, N],
  );
  const wanted = [[1, 0, 1, 1], [0], [], [1, 1]];
  const labels = tensor(
    Array.from({ length: T * N }, (_, i) => wanted[i % N]![Math.floor(i / N)] ?? -1),
    [T, N],
  );

  function decode(merges: boolean, blank: number) {
    return steps.map((length, n) => {
      const best = Array.from({ length }, (_, t) => {
        const row = Array.from({ length: C }, (_, c) => x.data[(t * N + n) * C + c]!);
        return { c: row.indexOf(Math.max(...row)), score: Math.max(...row) };
      });
      const found = best.filter(({ c }, i) => c !== blank && !(merges && i > 0 && best[i - 1]!.c === c));
      return { values: found.map(({ c }) => c), score: -best.reduce((sum, { score }) => sum + score, 0) };
    });
  }

  function distance(a: readonly number[], b: readonly number[]): number {
    if (a.length === 0 || b.length === 0) return a.length + b.length;
    const [p, q] = [a.slice(1), b.slice(1)];
    return Math.min(distance(p, b) + 1, distance(a, q) + 1, distance(p, q) + (a[0] === b[0] ? 0 : 1));
  }

  const layer = (bottoms: string, tops: string, param = "") =>
    `${inputLayer("x", T, N, C)}${inputLayer("f", T, N)}${inputLayer("w", T, N)}
      layer { name: "l" type: "CTCGreedyDecoder" bottom: "x" bottom: "f" ${bottoms} ${tops} ${param} }`;

  for (const [merges, blank, param] of [
    [true, 2, ""],
    [false, 0, "ctc_decoder_param { blank_index: 0 ctc_merge_repeated: false }"],
  ] as const) {
    it(`gives sequences, scores and an accuracy ${param}`, async () => {
      const text = layer('bottom: "w"', 'top: "y" top: "s" top: "a"', param);
      const { blobs } = await runText(text, { x, f: flags, w: labels });
      const found = decode(merges, blank);
      const sequences = Array.from({ length: T * N }, (_, i) => found[i % N]!.values[Math.floor(i / N)] ?? -1);
      expectClose({ net: blobs["y"]! }, [T, N, 1, 1], sequences);
      expectClose(
        { net: blobs["s"]! },
        [N, 1, 1, 1],
        found.map(({ score }) => score),
      );
      const shares = found.map(({ values }, n) => {
        const longer = Math.max(values.length, wanted[n]!.length);
        return longer === 0 ? 0 : distance(values, wanted[n]!) / longer;
      });
      expectClose({ net: blobs["a"]! }, [1, 1, 1, 1], [1 - shares.reduce((sum, v) => sum + v, 0) / N]);
      const two = await runText(layer('bottom: "w"', 'top: "y" top: "a"', param), { x, f: flags, w: labels });
      expect(two.blobs["a"]!.data).to.deep.equal(blobs["a"]!.data);
    });
  }

  it("is in a converted file without its accuracy", async () => {
    const text = layer('bottom: "w"', 'top: "y" top: "a"');
    await using net = await Net.load(text);
    const { model } = await convert(text, net.stored());
    await using file = await openModelFile(model);
    expect(file.outputs).to.deep.equal(["y"]);
  });
});
