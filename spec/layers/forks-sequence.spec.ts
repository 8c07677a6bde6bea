import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

/** caffe-lstm's layer, loop by loop: x[t][n][k], cont[t][n]; y [t, n, d] in order and the last h and c of each stream. */
function lstm(
  x: readonly (readonly (readonly number[])[])[],
  cont: (t: number, n: number) => boolean,
  [wx, wh, b]: readonly (readonly number[])[],
  d: number,
) {
  const y: number[] = [];
  const states = x[0]!.map(() => ({ h: Array<number>(d).fill(0), c: Array<number>(d).fill(0) }));
  x.forEach((streams, t) => {
    streams.forEach((row, n) => {
      const { h, c } = states[n]!;
      const goes = cont(t, n);
      const gate = (at: number) => {
        const own = row.reduce((sum, v, k) => sum + v * wx![at * row.length + k]!, b![at]!);
        return goes ? h.reduce((sum, v, k) => sum + v * wh![at * d + k]!, own) : own;
      };
      const next = Array.from({ length: d }, (_, i) => {
        const kept = goes ? sigmoid(gate(d + i)) * c[i]! : 0;
        const cell = kept + sigmoid(gate(i)) * Math.tanh(gate(3 * d + i));
        return { cell, out: sigmoid(gate(2 * d + i)) * Math.tanh(cell) };
      });
      states[n] = { h: next.map(({ out }) => out), c: next.map(({ cell }) => cell) };
      y.push(...states[n]!.h);
    });
  });
  return y;
}

const [T, N, K, D] = [3, 2, 4, 2];
const x = noise(1, [T * N, K]);
const blobs = [noise(2, [4 * D * K]), noise(3, [4 * D * D]), noise(4, [4 * D])].map(({ data }) => [...data]);
const steps = Array.from({ length: T }, (_, t) =>
  Array.from({ length: N }, (_, n) => [...x.data.subarray((t * N + n) * K, (t * N + n + 1) * K)]),
);

describe("the LSTM of caffe-lstm, against plain loops", () => {
  const expected = lstm(steps, (t) => t > 0, blobs, D);

  it("takes rows of steps and streams with batch_size, and begins as 0", async () => {
    const [y] = await run(`type: "Lstm" lstm_param { num_output: ${D} batch_size: ${N} }`, [x], blobs);
    expectClose(y, [T * N, D], expected);
  });

  it("takes [steps, streams, inputs], as OCR forks have it", async () => {
    const [y] = await run(`type: "Lstm" lstm_param { num_output: ${D} }`, [{ ...x, shape: [T, N, K] }], blobs);
    expectClose(y, [T, N, D], expected);
  });

  it("continues its state where clip is not 0, from one forward to the next", async () => {
    const text = `${inputLayer("x", T * N, K)}${inputLayer("clip", T * N)}
      layer { name: "l" type: "Lstm" bottom: "x" bottom: "clip" top: "y" lstm_param { num_output: ${D} batch_size: ${N} } }`;
    await using net = await Net.load(text, { phase: "TEST" });
    blobs.forEach((values, i) => {
      net.params.get("l")![i]!.data.set(values);
    });
    const flags = (first: readonly number[]) => tensor([...first, 1, 0, 1, 1]);
    const { y } = await net.forward({ x, clip: flags([0, 0]) });
    const begins = (first: boolean) => (t: number, n: number) => (t === 0 ? !first : t !== 1 || n === 0);
    expectClose({ net: y! }, [T * N, D], lstm(steps, begins(true), blobs, D));
    const again = await net.forward({ x, clip: flags([1, 1]) });
    const twice = lstm([...steps, ...steps], (t, n) => (t === 0 ? false : t % T !== 1 || n === 0), blobs, D);
    expectClose({ net: again["y"]! }, [T * N, D], twice.slice(T * N * D));
  });

  it("bounds the gradient of the gates' inputs by clipping_threshold", async () => {
    const text = (threshold: number) => `${inputLayer("x", 1, K)}
      layer { name: "l" type: "Lstm" bottom: "x" top: "y" lstm_param { num_output: ${D} clipping_threshold: ${threshold} } }`;
    const params = { "l/0": blobs[0]!, "l/1": blobs[1]!, "l/2": blobs[2]! };
    const of = async (threshold: number) => {
      const ran = await runText(
        text(threshold),
        { x: noise(5, [1, K]) },
        { seeds: { y: tensor([3, -2], [1, D]) }, params },
      );
      return [...ran.parameters["l/2"]!];
    };
    const free = await of(0);
    const bounded = await of(0.1);
    expect(free.some((v) => Math.abs(v) > 0.1)).to.equal(true);
    free.forEach((v, i) => {
      expect(bounded[i]).to.be.closeTo(Math.max(-0.1, Math.min(0.1, v)), 1e-6);
    });
  });

  it("refuses rows that do not make steps, and flags that are not one a row", () => {
    const layer = `layer { name: "l" type: "Lstm" bottom: "x" top: "y" lstm_param { num_output: 2 batch_size: 4 } }`;
    expect(refusal(inputLayer("x", 6, 3) + layer)).to.contain("batch_size 4 does not divide the 6 rows");
    const clipped = layer.replace('bottom: "x"', 'bottom: "x" bottom: "c"');
    expect(refusal(inputLayer("x", 8, 3) + inputLayer("c", 2) + clipped)).to.contain("is not one flag for each row");
  });
});

describe("sequences of OCR forks, against plain loops", () => {
  const shape = [2, 3, 4, 2];
  const blob = noise(6, shape);
  const at = (i: readonly number[]) => blob.data[((i[0]! * 3 + i[1]!) * 4 + i[2]!) * 2 + i[3]!]!;
  const all = (dims: readonly number[], value: (i: readonly number[]) => number) => {
    const count = dims.reduce((a, b) => a * b);
    return Array.from({ length: count }, (_, k) => {
      let rest = k;
      const place = [...dims].reverse().map((dim) => {
        const here = rest % dim;
        rest = (rest - here) / dim;
        return here;
      });
      return value(place.reverse());
    });
  };

  it("Reverse turns an axis round", async () => {
    const [y] = await run(`type: "Reverse" reverse_param { axis: 2 }`, [blob]);
    expectClose(
      y,
      shape,
      all(shape, ([a, b, c, d]) => at([a!, b!, 3 - c!, d!])),
    );
  });

  it("Reverse of two bottoms turns each sequence that a marker marks round, and its gradient", async () => {
    // Streams of two sequences, one and nothing, one of a step and one, and nothing.
    const lengths = [[2, 3], [4], [1, 2], []];
    const [steps, streams, rest] = [5, 4, 2];
    const marker = new Float32Array(steps * streams);
    const source = Array.from({ length: streams }, () => Array<number | undefined>(steps).fill(undefined));
    lengths.forEach((own, n) => {
      let start = 0;
      for (const length of own) {
        for (let t = start; t < start + length; t++) {
          marker[t * streams + n] = t === start ? -length : 1;
          source[n]![t] = 2 * start + length - 1 - t;
        }
        start += length;
      }
    });
    const data = noise(8, [steps, streams, rest]);
    const value = (of: ArrayLike<number>, back: boolean) =>
      Array.from({ length: steps * streams * rest }, (_, i) => {
        const [t, n, k] = [Math.floor(i / (streams * rest)), Math.floor(i / rest) % streams, i % rest];
        const from = back ? source[n]!.indexOf(t) : (source[n]![t] ?? -1);
        return from < 0 ? 0 : of[(from * streams + n) * rest + k]!;
      });
    const mark = { shape: [steps, streams], data: marker };
    const [y] = await run(`type: "Reverse"`, [mark, data]);
    expectClose(y, [steps, streams, rest], value(data.data, false), 0);
    const text = `${inputLayer("m", steps, streams)}${inputLayer("x", steps, streams, rest)}
      layer { name: "l" type: "Reverse" bottom: "m" bottom: "x" top: "y" }`;
    const seeds = { y: noise(9, [steps, streams, rest]) };
    const { gradients } = await runText(text, { m: mark, x: data }, { seeds });
    expectClose({ net: gradients["x"]! }, [steps, streams, rest], value(seeds.y.data, true), 0);
    expect(refusal(text.replace("dim: 4", "dim: 3"))).to.contain("is not a marker for each step and stream");
  });

  it("Transpose puts axis dim[i] at i", async () => {
    const dims = [2, 4, 2, 3];
    const [y] = await run(`type: "Transpose" transpose_param { dim: 3 dim: 2 dim: 0 dim: 1 }`, [blob]);
    expectClose(
      y,
      dims,
      all(dims, ([a, b, c, d]) => at([c!, d!, b!, a!])),
    );
  });

  it("ContinuationIndicator is 0 in the first step of each sequence, then 1", async () => {
    const layer = (param: string) =>
      `layer { name: "l" type: "ContinuationIndicator" top: "y" continuation_indicator_param { ${param} } }`;
    await using net = await Net.load(layer("time_step: 3 batch_size: 2"));
    const { y } = await net.forward({});
    expectClose({ net: y! }, [3, 2], [0, 0, 1, 1, 1, 1]);
    expect(refusal(layer("time_step: 3"))).to.contain("batch_size must be greater than 0");
    expect(refusal(layer("time_step: 3 batch_size: 2 axis: 1"))).to.contain("along another axis than 0");
  });

  it("refuse axes that are not there", () => {
    const layer = (text: string) => `${inputLayer("x", 2, 3)} layer { name: "l" bottom: "x" top: "y" ${text} }`;
    expect(refusal(layer(`type: "Reverse" reverse_param { axis: 2 }`))).to.contain("axis 2 is out of range");
    expect(refusal(layer(`type: "Transpose" transpose_param { dim: 1 dim: 1 }`))).to.contain(
      "not an order of the 2 axes",
    );
  });
});
