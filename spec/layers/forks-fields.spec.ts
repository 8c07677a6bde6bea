import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { expectClose, noise } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

/** Outputs of a net of an input x, with parameters set. */
async function run(
  text: string,
  shape: readonly number[],
  data: readonly number[],
  options: {
    readonly phase?: "TRAIN" | "TEST";
    readonly params?: Readonly<Record<string, readonly (readonly number[])[]>>;
  } = {},
): Promise<Record<string, number[]>> {
  const input = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [${shape}] } } }`;
  await using net = await Net.load(`${input}\n${text}`, { phase: options.phase ?? "TEST" });
  for (const [layer, blobs] of Object.entries(options.params ?? {}))
    for (const [i, values] of blobs.entries()) net.params.get(layer)![i]!.data.set(values);
  const blobs = await net.forward({ x: { shape, data: Float32Array.from(data) } });
  return Object.fromEntries(Object.entries(blobs).map(([name, blob]) => [name, [...blob.data]]));
}

describe("fields of forks that change numbers", () => {
  it("PRE_FIXED divides a loss by a number of the net's", async () => {
    const loss = (param: string) =>
      run(
        `layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "y" top: "l" loss_param { ${param} } }`.replace(
          /^/,
          'layer { name: "y" type: "DummyData" top: "y" dummy_data_param { shape { dim: 3 } data_filler { value: 1 } } }\n',
        ),
        [3, 2],
        [0, 0, 0, 0, 0, 0],
      );
    expect((await loss("normalization: NONE"))["l"]![0]).to.be.closeTo(3 * Math.LN2, 1e-6);
    expect((await loss("normalization: PRE_FIXED pre_fixed_normalizer: 6"))["l"]![0]).to.be.closeTo(Math.LN2 / 2, 1e-6);
    expect((await loss("normalization: PRE_FIXED pre_fixed_normalizer: 0.5"))["l"]![0]).to.be.closeTo(
      3 * Math.LN2,
      1e-6,
    );
  });

  it("scale_train: false scales in tests what it left in training", async () => {
    const dropout = (phase: "TRAIN" | "TEST") =>
      run(
        `layer { name: "d" type: "Dropout" bottom: "x" top: "d" dropout_param { dropout_ratio: 0.25 scale_train: false } }`,
        [1, 400],
        Array(400).fill(2),
        { phase },
      );
    expect(new Set((await dropout("TEST"))["d"])).to.deep.equal(new Set([1.5]));
    expect(new Set((await dropout("TRAIN"))["d"])).to.deep.equal(new Set([0, 2]));
  });

  it("sample_weights_test drops in tests", async () => {
    const text = `layer { name: "d" type: "Dropout" bottom: "x" top: "d" dropout_param { sample_weights_test: true } }`;
    expect(new Set((await run(text, [1, 400], Array(400).fill(2)))["d"])).to.deep.equal(new Set([0, 4]));
  });

  it("a fused ReLU follows its convolution", async () => {
    const convolution = (param: string) =>
      run(
        `layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 1 kernel_size: 1 bias_term: false ${param} } }`,
        [1, 1, 1, 2],
        [-4, 3],
        { params: { c: [[1]] } },
      );
    expect((await convolution(""))["c"]).to.deep.equal([-4, 3]);
    expect((await convolution("relu: true"))["c"]).to.deep.equal([0, 3]);
    expect((await convolution("relu: true negative_slope: 0.25"))["c"]).to.deep.equal([-1, 3]);
  });

  for (const param of ["scale_bias: true", "scale_filler { value: 1 }", "use_weight_bias: true"])
    it(`BatchNorm has a scale and a bias with ${param}`, async () => {
      const text = `layer { name: "b" type: "BatchNorm" bottom: "x" top: "b" batch_norm_param { eps: 0 ${param} } }`;
      const params = { b: [[2], [9], [1], [10], [100]] };
      const data = [5, 2, -1];
      expect((await run(text, [1, 1, 1, 3], data, { params }))["b"]).to.deep.equal([110, 100, 90]);
      // In training by the batch: mean 2, variance 6.
      const trained = (await run(text, [1, 1, 1, 3], data, { params, phase: "TRAIN" }))["b"]!;
      expect(trained[0]).to.be.closeTo(100 + (10 * 3) / Math.sqrt(6), 1e-4);
    });

  it("a mean without padding is over what a window has of its bottom, of 4 axes or 5", async () => {
    const means = async (shape: readonly number[], param: string) => {
      const count = shape.reduce((product, dim) => product * dim, 1);
      const text = `layer { name: "p" type: "Pooling" bottom: "x" top: "p" pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 ${param} } }`;
      return (await run(text, shape, Array(count).fill(36)))["p"]!.map(Math.round);
    };
    expect(await means([1, 1, 3, 3], "")).to.deep.equal([16, 16, 16, 16]);
    expect(await means([1, 1, 3, 3], "avg_include_pad: false")).to.deep.equal([36, 36, 36, 36]);
    // Windows have 2, 3, 3 and 1 of the 6 entries; the last is cut off behind the padding.
    expect(await means([1, 1, 1, 6], "")).to.deep.equal([8, 12, 12, 6]);
    expect(await means([1, 1, 1, 6], "avg_include_pad: false")).to.deep.equal([36, 36, 36, 36]);
    expect(await means([1, 1, 3, 3, 3], "")).to.deep.equal(Array(8).fill(11));
    expect(await means([1, 1, 3, 3, 3], "avg_include_pad: false")).to.deep.equal(Array(8).fill(36));
  });

  it("NVIDIA's static fillers draw as the plain ones do", async () => {
    const weights = async (type: string) => {
      const text = `input: "x" input_shape { dim: 1 dim: 3 }
        layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 weight_filler { type: "${type}" } } }`;
      await using net = await Net.load(text, { seed: 1 });
      return [...net.params.get("ip")![0]!.data];
    };
    for (const type of ["xavier", "msra", "gaussian", "uniform"])
      expect(await weights(`${type}static`), type).to.deep.equal(await weights(type));
  });

  it("a Parameter starts by its blob_filler", async () => {
    const text = `layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 2 dim: 2 } blob_filler { type: "constant" value: 3 } } }`;
    expect((await run(text, [1], [0]))["p"]).to.deep.equal([3, 3, 3, 3]);
  });

  it("DeconvNet's BN has the batch's mean and variance as tops", async () => {
    const text = (mode: string) =>
      `layer { name: "b" type: "BN" bottom: "x" top: "y" top: "mean" top: "var" bn_param { scale_filler { value: 2 } ${mode} } }`;
    const blobs = await run(text(""), [2, 2, 1, 1], [1, 5, 3, 9]);
    expect(blobs["mean"]).to.deep.equal([2, 7]);
    expect(blobs["var"]).to.deep.equal([1, 4]);
    expect(blobs["y"]!.map(Math.round)).to.deep.equal([-2, -2, 2, 2]);
    const refused = await run(text("bn_mode: INFERENCE"), [2, 2, 1, 1], [1, 5, 3, 9]).catch(
      (error: Error) => error.message,
    );
    expect(refused).to.contain("are tops in mode LEARN alone");
  });

  it("label_smoothing gives the gradient of probabilities that all classes share, Intel's, and the label's loss", async () => {
    const text = (param: string) =>
      `${inputLayer("x", 3, 4)}${inputLayer("t", 3)} layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "l" loss_param { ${param} } }`;
    const [x, labels] = [noise(1, [3, 4]), [2, 0, 3]];
    const probabilities = Array.from({ length: 3 }, (_, n) => {
      const e = [...x.data.slice(n * 4, n * 4 + 4)].map(Math.exp);
      const sum = e.reduce((a, b) => a + b, 0);
      return e.map((v) => v / sum);
    });
    for (const ignored of [-1, 0]) {
      const { blobs, gradients } = await runText(
        text(`label_smoothing: 0.3 ignore_label: ${ignored}`),
        { x, t: tensor(labels) },
        { seeds: { l: tensor([1], []) } },
      );
      const counted = labels.filter((label) => label !== ignored).length;
      const loss = labels.reduce(
        (sum, label, n) => (label === ignored ? sum : sum - Math.log(probabilities[n]![label]!)),
        0,
      );
      expect(blobs["l"]!.data[0]).to.be.closeTo(loss / counted, 1e-5);
      const [own, each] = [0.7, 0.3 / 4];
      const ratio = own + 3 * each;
      labels.forEach((label, n) => {
        probabilities[n]!.forEach((p, c) => {
          const slope = label === ignored ? 0 : (ratio * p - (c === label ? own : each)) / counted;
          expect(gradients["x"]!.data[n * 4 + c]).to.be.closeTo(slope, 1e-5);
        });
      });
    }
    expect(refusal(text("label_smoothing: 1"))).to.contain("label_smoothing 1 is not in [0, 1)");
    expect(
      refusal(
        text("label_smoothing: 0.1")
          .replace("dim: 3 dim: 4", "dim: 3 dim: 4 dim: 2")
          .replace("dim: 3 }", "dim: 3 dim: 2 }"),
      ),
    ).to.contain("label_smoothing is for one prediction an item");
    for (const type of ["SigmoidCrossEntropyLoss", "MTCNNEuclideanLoss"]) {
      const other = text("label_smoothing: 0.1")
        .replace("SoftmaxWithLoss", type)
        .replace("dim: 3 }", "dim: 3 dim: 4 }");
      expect(refusal(other)).to.contain("label_smoothing is for SoftmaxWithLoss layers");
    }
  });

  it("coeff_blob has a factor for each bottom and item", async () => {
    const [a, b] = [noise(2, [2, 3, 2]), noise(3, [2, 3, 2])];
    const text = (shape: readonly number[], param = "coeff: 1 coeff: -2") =>
      `${inputLayer("a", 2, 3, 2)}${inputLayer("b", 2, 3, 2)}${inputLayer("f", ...shape)} layer { name: "l" type: "Eltwise" bottom: "a" bottom: "b" bottom: "f" top: "y"
        eltwise_param { coeff_blob: true ${param} } }`;
    const seeds = { y: noise(5, [2, 3, 2]) };
    for (const shape of [
      [2, 2],
      [2, 2, 3],
    ]) {
      const f = noise(4, shape);
      const of = (i: number, place: number) => {
        const [n, c] = [Math.floor(place / 6), Math.floor(place / 2) % 3];
        return f.data[shape.length === 2 ? i * 2 + n : (i * 2 + n) * 3 + c]! * (i === 0 ? 1 : -2);
      };
      const { blobs, gradients } = await runText(text(shape), { a, b, f }, { seeds });
      a.data.forEach((v, place) => {
        expect(blobs["y"]!.data[place]).to.be.closeTo(of(0, place) * v + of(1, place) * b.data[place]!, 1e-5);
        expect(gradients["a"]!.data[place]).to.be.closeTo(of(0, place) * seeds.y.data[place]!, 1e-5);
        expect(gradients["b"]!.data[place]).to.be.closeTo(of(1, place) * seeds.y.data[place]!, 1e-5);
      });
      expect(gradients["f"]?.data.every((v) => v === 0) ?? true).to.equal(true);
    }
    expect(refusal(text([3, 2]))).to.contain("has no factors for 2 bottoms");
    expect(refusal(text([2, 2], "operation: PROD"))).to.contain("coeff_blob is for sums only");
  });

  it("denominator divides the number of right predictions", async () => {
    const text = (param: string) =>
      `${inputLayer("x", 3, 2)}${inputLayer("t", 3)} layer { name: "l" type: "Accuracy" bottom: "x" bottom: "t" top: "y" accuracy_param { ${param} } }`;
    const given = { x: tensor([1, 0, 1, 0, 0, 1], [3, 2]), t: tensor([0, 1, 1]) };
    expect((await runText(text("denominator: 8"), given)).blobs["y"]!.data[0]).to.be.closeTo(2 / 8, 1e-6);
    expect((await runText(text(""), given)).blobs["y"]!.data[0]).to.be.closeTo(2 / 3, 1e-6);
    expect(refusal(text("denominator: -1"))).to.contain("denominator -1 is less than 0");
  });

  it("var_eps, decay and moving_average are those of a BN with running statistics", async () => {
    const text = (type: string, param: string) =>
      `${inputLayer("x", 4, 2, 1, 1)} layer { name: "l" type: "${type}" bottom: "x" top: "y" bn_param { ${param} } }`;
    const x = noise(6, [4, 2, 1, 1], 1, 3);
    const params = { "l/0": [2, 3], "l/1": [0.5, -1], "l/2": [1, 2], "l/3": [4, 0.25] };
    const old = "scale_filler { value: 5 } shift_filler { value: 6 } var_eps: 0.01 decay: 0.05 moving_average: true";
    const expected = Array.from(x.data, (v, i) => {
      const c = i % 2;
      return (params["l/0"][c]! * (v - params["l/2"][c]!)) / Math.sqrt(params["l/3"][c]! + 0.01) + params["l/1"][c]!;
    });
    for (const type of ["BN", "BNData"]) {
      const { blobs } = await runText(text(type, old), { x }, { params });
      expectClose({ net: blobs["y"]! }, [4, 2, 1, 1], expected, 1e-5);
    }
    await using net = await Net.load(text("BNData", old), { phase: "TRAIN" });
    const blobs = net.params.get("l")!;
    expect(blobs.map(({ data }) => data[0])).to.deep.equal([5, 6, 0, 1]);
    await net.forward({ x });
    const mean = [0, 2, 4, 6].reduce((sum, i) => sum + x.data[i]! / 4, 0);
    expect(blobs[2]!.data[0]).to.be.closeTo(0.05 * mean, 1e-5);
    expect(refusal(text("BN", "moving_average: false"))).to.contain(
      "statistics of the batch in tests are not supported",
    );
  });

  it("a Debug layer passes its first bottom on", async () => {
    const text = `${inputLayer("x", 2, 2)}${inputLayer("t", 2)} layer { name: "l" type: "Debug" bottom: "x" bottom: "t" top: "y" debug_param { max_stored_batches: 3 } }`;
    const x = noise(7, [2, 2]);
    const { blobs } = await runText(text, { x, t: tensor([0, 1]) });
    expectClose({ net: blobs["y"]! }, [2, 2], x.data, 0);
  });
});
