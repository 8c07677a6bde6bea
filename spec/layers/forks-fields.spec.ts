import { expect } from "chai";
import { Net } from "../../lib/api/net.js";

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
});
