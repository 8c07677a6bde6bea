import { expect } from "chai";
import { convert } from "../../lib/convert/index.js";
import { expectClose, noise } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("LabelSpecificMargin, against the authors' loops", () => {
  const [ROWS, CLASSES] = [5, 3];
  const labels = [0, 2, 1, 2, 0];
  const x = noise(97, [ROWS, CLASSES], -0.95, 0.95);
  x.data.set([0.99999, -0.4, 0.1, 0.3, 0.2, -0.97]);
  const dy = noise(98, [ROWS, CLASSES]);
  const text = (
    param: string,
    more = "",
    ends = "",
  ) => `${inputLayer("x", ROWS, CLASSES)}${inputLayer("label", ROWS)}${more}
    layer { name: "l" type: "LabelSpecificMargin" bottom: "x" bottom: "label" ${ends} top: "y" top: "margin"
      label_specific_margin_param { ${param} } }`;

  /** Value and factor of the gradient at a label, by a margin m. */
  function rule(type: "HARD" | "SOFT", m: number, v: number): readonly [number, number] {
    const fixed = Math.max(Math.min(v, 1 - 1e-4), 1e-4 - 1);
    const sine = Math.sqrt(1 - fixed ** 2);
    const radians = (m / 180) * Math.PI;
    const bounded = (slope: number) => Math.max(0, Math.min(slope, 2));
    if (m === 0) return [v, 1];
    if (type === "HARD")
      return [
        fixed * Math.cos(radians) - sine * Math.sin(radians),
        bounded(Math.cos(radians) + (fixed / sine) * Math.sin(radians)),
      ];
    const angle = m * Math.acos(v) > Math.PI - 1e-4 ? Math.PI - 1e-4 : Math.acos(v);
    return [Math.cos(m * angle), bounded((m * Math.sin(m * angle)) / sine)];
  }

  for (const [param, type, m] of [
    ["margin_base: 12 gamma: 0.5 power: 2 iteration: 3", "HARD", 12 + (1 + 0.5 * 3) ** 2 - 1],
    ["margin_base: 12 iteration: 30 margin_max: 20", "HARD", 20],
    ["margin_base: 1.4 gamma: 0 type: SOFT", "SOFT", 1.4],
    ["margin_base: 0.8 gamma: 0 type: SOFT", "SOFT", 0.8],
    ["reset_margin: true", "HARD", 0],
  ] as const) {
    it(`gives the authors' values and gradients with ${param}`, async () => {
      const run = (more: string) =>
        runText(text(`${param} ${more}`), { x, label: tensor(labels) }, { seeds: { y: dy }, phase: "TRAIN" });
      const [ran, passing] = [await run(""), await run("pass_bp: true")];
      const [y, dx] = [[...x.data], [...dy.data]];
      labels.forEach((label, i) => {
        const [value, slope] = rule(type, m, x.data[i * CLASSES + label]!);
        y[i * CLASSES + label] = value;
        dx[i * CLASSES + label]! *= slope;
      });
      expectClose({ net: ran.blobs["y"]! }, [ROWS, CLASSES], y, 1e-4);
      expectClose({ net: ran.blobs["margin"]! }, [1], [m]);
      expectClose({ net: ran.gradients["x"]! }, [ROWS, CLASSES], dx, 1e-4);
      expectClose({ net: passing.blobs["y"]! }, [ROWS, CLASSES], y, 1e-4);
      expectClose({ net: passing.gradients["x"]! }, [ROWS, CLASSES], [...dy.data], 1e-4);
    });
  }

  it("takes its margin from a blob that is kept, or from a third bottom", async () => {
    const inputs = { x, label: tensor(labels) };
    const [kept, given] = [
      await runText(text(""), inputs, { params: { "l/0": [33] }, phase: "TRAIN" }),
      await runText(
        text("margin_base: 3", inputLayer("given", 2), `bottom: "given"`),
        { ...inputs, given: tensor([25, 7]) },
        { phase: "TRAIN" },
      ),
    ];
    for (const [ran, m] of [
      [kept, 33],
      [given, 25],
    ] as const) {
      const y = [...x.data];
      labels.forEach((label, i) => {
        y[i * CLASSES + label] = rule("HARD", m, y[i * CLASSES + label]!)[0];
      });
      expectClose({ net: ran.blobs["y"]! }, [ROWS, CLASSES], y, 1e-4);
      expectClose({ net: ran.blobs["margin"]! }, [1], [m]);
    }
  });

  it("changes nothing in TEST, whatever margin_on_test says, and is passed over in a converted file", async () => {
    const ran = await runText(text("margin_base: 20 margin_on_test: true"), { x, label: tensor(labels) });
    expectClose({ net: ran.blobs["y"]! }, [ROWS, CLASSES], [...x.data]);
    const net = `${inputLayer("x", 2, 3)}${inputLayer("t", 2)} layer { name: "r" type: "ReLU" bottom: "x" top: "r" }
      layer { name: "l" type: "LabelSpecificMargin" bottom: "r" bottom: "t" top: "y" label_specific_margin_param { margin_base: 30 } }`;
    const { report } = await convert(net, []);
    expect(Object.keys(report.outputs)).to.deep.equal(["y"]);
  });

  it("refuses a margin by the angles of the batches", () => {
    expect(refusal(text("auto_tune: true"))).to.contain("auto_tune, a margin by the angles of the batches");
  });
});
