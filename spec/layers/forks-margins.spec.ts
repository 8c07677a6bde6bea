import { expect } from "chai";
import { expectClose, noise } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("margins in angles, against the authors' loops", () => {
  const [ROWS, CLASSES] = [5, 3];
  const x = noise(91, [ROWS, CLASSES], -0.95, 0.95);
  x.data.set([1.2, -0.4, 0.1, 0.3, 0.99999, -0.2]);
  const dy = noise(92, [ROWS, CLASSES]);

  /** The label's entries by a rule: value and factor of the gradient. */
  function expected(labels: readonly number[], rule: (x: number) => readonly [y: number, slope: number]) {
    const [y, dx] = [[...x.data], [...dy.data]];
    labels.forEach((label, i) => {
      if (label < 0) return;
      const at = i * CLASSES + label;
      const [value, slope] = rule(x.data[at]!);
      y[at] = value;
      dx[at]! *= slope;
    });
    return { y, dx };
  }

  async function check(layer: string, labels: readonly number[], rule: (x: number) => readonly [number, number]) {
    const text = `${inputLayer("x", ROWS, CLASSES)}${inputLayer("label", ROWS)}
      layer { name: "l" ${layer} bottom: "x" bottom: "label" top: "y" }`;
    const ran = await runText(text, { x, label: tensor(labels) }, { seeds: { y: dy }, phase: "TRAIN" });
    const { y, dx } = expected(labels, rule);
    expectClose({ net: ran.blobs["y"]! }, [ROWS, CLASSES], y, 1e-4);
    expectClose({ net: ran.gradients["x"]! }, [ROWS, CLASSES], dx, 1e-4);
  }

  for (const [m1, m2, m3] of [
    [1, 0.5, 0],
    [0.9, 0.4, 0.15],
    [1.35, 0, 0],
    [1, 0, 0.35],
  ] as const) {
    it(`CombinedMargin of ${m1}, ${m2} and ${m3}`, async () => {
      await check(
        `type: "CombinedMargin" combined_margin_param { m1: ${m1} m2: ${m2} m3: ${m3} }`,
        [0, 1, 2, -1, 1],
        (v) => {
          const cosine = Math.max(Math.min(v, 1 - 1e-4), 1e-4 - 1);
          const angle = Math.max(0, Math.min(m1 * Math.acos(cosine) + m2, Math.PI - 1e-4));
          const slope = (m1 * Math.sin(angle)) / Math.sqrt(1 - cosine ** 2);
          return [Math.cos(angle) - m3, Math.max(0, Math.min(slope, 2))];
        },
      );
    });
  }

  it("CombinedMargin has the authors' 4, 0.5 and 0.35 by default, CosinAddm 0.5", async () => {
    const same = async (type: string, given: string, text: string) => {
      const net = (param: string) => `${inputLayer("x", ROWS, CLASSES)}${inputLayer("label", ROWS)}
        layer { name: "l" type: "${type}" bottom: "x" bottom: "label" top: "y" ${param} }`;
      const inputs = { x, label: tensor([0, 1, 2, 0, 1]) };
      const [bare, full] = [await runText(net(given), inputs), await runText(net(text), inputs)];
      expect([...bare.blobs["y"]!.data]).to.deep.equal([...full.blobs["y"]!.data]);
      expect([...bare.blobs["y"]!.data]).to.not.deep.equal([...x.data]);
    };
    await same("CombinedMargin", "", "combined_margin_param { m1: 4 m2: 0.5 m3: 0.35 }");
    await same("CosinAddm", "", "cosin_add_m_param { m: 0.5 }");
  });

  it("CosinAddm has a line beyond pi", async () => {
    const m = 0.5;
    await check(`type: "CosinAddm" cosin_add_m_param { m: ${m} }`, [0, 2, 1, 2, 0], (v) => {
      const cosine = Math.min(v, 1);
      const sine = Math.sqrt(1 - cosine ** 2);
      if (cosine <= Math.cos(Math.PI - m)) return [cosine - Math.sin(Math.PI - m) * m, 1];
      const slope = sine === 0 ? 1 : Math.cos(m) + (Math.sin(m) * cosine) / sine;
      return [cosine * Math.cos(m) - sine * Math.sin(m), slope];
    });
    x.data[12] = -0.98;
    await check(`type: "CosinAddm" cosin_add_m_param { m: ${m} }`, [1, 2, 1, 2, 0], (v) => {
      const sine = Math.sqrt(1 - v ** 2);
      if (v <= Math.cos(Math.PI - m)) return [v - Math.sin(Math.PI - m) * m, 1];
      return [v * Math.cos(m) - sine * Math.sin(m), Math.cos(m) + (Math.sin(m) * v) / sine];
    });
  });
});

describe("LargeMarginInnerProduct, against a plain loop", () => {
  const [ROWS, K, CLASSES] = [4, 3, 5];
  const [x, w] = [noise(93, [ROWS, K]), noise(94, [CLASSES, K])];
  const labels = [3, 0, 3, 4];
  const row = (data: Float32Array, i: number) => [...data.subarray(K * i, K * (i + 1))];
  const text = (param: string, bottoms: string) => `${inputLayer("x", ROWS, K)}${inputLayer("label", ROWS)}
    layer { name: "l" type: "LargeMarginInnerProduct" bottom: "x" ${bottoms}
      largemargin_inner_product_param { num_output: ${CLASSES} ${param} } }`;

  ["SINGLE", "DOUBLE", "TRIPLE", "QUADRUPLE"].forEach((type, index) => {
    it(type, async () => {
      const m = index + 1;
      const lambda = Math.max(10 * (1 + 0.5 * 3) ** -2, 0.3);
      const param = `type: ${type} base: 10 gamma: 0.5 power: 2 lambda_min: 0.3 iteration: 2`;
      const values = labels.flatMap((label, i) =>
        Array.from({ length: CLASSES }, (_, j) => {
          const [a, b] = [row(x.data, i), row(w.data, j)];
          const product = a.reduce((sum, v, k) => sum + v * b[k]!, 0);
          if (m === 1 || j !== label) return product;
          const scale = Math.hypot(...a) * Math.hypot(...b);
          const angle = Math.acos(product / scale);
          const part = Math.floor((angle * m) / Math.PI);
          const psi = (-1) ** part * Math.cos(m * angle) - 2 * part;
          return (scale * psi + lambda * product) / (1 + lambda);
        }),
      );
      const inputs = { x, label: tensor(labels) };
      const params = { "l/0": [...w.data] };
      const ran = await runText(text(param, 'bottom: "label" top: "y" top: "lambda"'), inputs, {
        params,
        phase: "TRAIN",
      });
      expectClose({ net: ran.blobs["y"]! }, [ROWS, CLASSES], values);
      expectClose({ net: ran.blobs["lambda"]! }, [1], [lambda]);
    });
  });

  it("without labels is a product", async () => {
    const { blobs } = await runText(
      text("type: TRIPLE", 'top: "y"'),
      { x, label: tensor(labels) },
      { params: { "l/0": [...w.data] } },
    );
    const values = labels.flatMap((_, i) =>
      Array.from({ length: CLASSES }, (_, j) => row(x.data, i).reduce((sum, v, k) => sum + v * row(w.data, j)[k]!, 0)),
    );
    expectClose({ net: blobs["y"]! }, [ROWS, CLASSES], values);
    expect(refusal(text("", 'top: "y" top: "lambda"'))).to.contain("lambda is there for labels alone");
  });
});

describe("DiceCoefLoss, against the authors' loop", () => {
  it("has a gradient that is not divided by the items", async () => {
    const [x, t] = [noise(95, [3, 2, 4]), noise(96, [3, 8], 0, 1)];
    const text = `${inputLayer("x", 3, 2, 4)}${inputLayer("t", 3, 8)}
      layer { name: "l" type: "DiceCoefLoss" bottom: "x" bottom: "t" top: "y" }`;
    const ran = await runText(text, { x, t }, { seeds: { y: tensor([2], []) }, phase: "TRAIN" });
    let loss = 1;
    const [dx, dt] = [[] as number[], [] as number[]];
    for (let i = 0; i < 3; i++) {
      const [a, b] = [x.data.subarray(8 * i, 8 * i + 8), t.data.subarray(8 * i, 8 * i + 8)];
      const sum = (of: (k: number) => number) => Array.from(a, (_, k) => of(k)).reduce((p, q) => p + q, 0);
      const size = sum((k) => a[k]! ** 2 + b[k]! ** 2) + 1;
      const quotient = (2 * sum((k) => a[k]! * b[k]!) + 1) / size;
      loss -= quotient / 3;
      dx.push(...Array.from(a, (v, k) => (4 * (quotient * v - b[k]!)) / size));
      dt.push(...Array.from(b, (v, k) => (4 * (quotient * v - a[k]!)) / size));
    }
    expectClose({ net: ran.blobs["y"]! }, [], [loss]);
    expectClose({ net: ran.gradients["x"]! }, [3, 2, 4], dx);
    expectClose({ net: ran.gradients["t"]! }, [3, 8], dt);
  });
});
