import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { inputLayer } from "../support/net.js";

type Shapes = readonly (readonly number[])[];

const text = (type: string, bottoms: Shapes, param: string) =>
  `${bottoms.map((shape, i) => inputLayer(`x${i}`, ...shape)).join("")}layer { name: "l" type: "${type}"
    ${bottoms.map((_, i) => `bottom: "x${i}"`).join(" ")} top: "y" ${param} }`;

const planes = [[2, 4, 7, 6]];
const space = [[2, 2, 4, 5, 5]];
const rows = [[5, 3], [5]];
const conv = (param: string) => `convolution_param { num_output: 4 ${param} }`;

/** Blobs that a filler fills: type, bottoms, the parameters with each filler's field set to that value, and the blobs' values. */
const FILLED: readonly (readonly [string, Shapes, (filler: (value: number) => string) => string, readonly number[]])[] =
  [
    ...(["Convolution", "Deconvolution", "ConvolutionDepthwise", "DepthwiseConvolution"] as const).map(
      (type) =>
        [
          type,
          planes,
          (f) => conv(`kernel_size: 2 weight_filler ${f(2)} bias_filler ${f(3)}`),
          [2, 3],
        ] as (typeof FILLED)[0],
    ),
    ...(["Convolution3D", "Deconvolution3D"] as const).map(
      (type) =>
        [
          type,
          space,
          (f) => conv(`kernel_size: 2 kernel_depth: 2 weight_filler ${f(2)} bias_filler ${f(3)}`),
          [2, 3],
        ] as (typeof FILLED)[0],
    ),
    [
      "NdConvolution",
      space,
      (f) => conv(`kernel_shape { dim: [2, 2, 2] } weight_filler ${f(2)} bias_filler ${f(3)}`),
      [2, 3],
    ],
    [
      "DeformableConvolution",
      [
        [1, 4, 5, 6],
        [1, 18, 3, 4],
      ],
      (f) =>
        `deformable_convolution_param { num_output: 2 kernel_size: 3 group: 2 deformable_group: 1 bias_term: true weight_filler ${f(2)} bias_filler ${f(3)} }`,
      [2, 3],
    ],
    [
      "ModulatedDeformableConvolution",
      [
        [1, 4, 5, 6],
        [1, 18, 3, 4],
        [1, 9, 3, 4],
      ],
      (f) =>
        `modulated_deformable_convolution_param { num_output: 2 kernel_size: 3 bias_term: true weight_filler ${f(2)} bias_filler ${f(3)} }`,
      [2, 3],
    ],
    [
      "Local",
      planes,
      (f) => `local_param { num_output: 3 kernel_size: 2 weight_filler ${f(2)} bias_filler ${f(3)} }`,
      [2, 3],
    ],
    [
      "LocalWeightedConvolution",
      planes,
      (f) =>
        `local_weighted_convolution_param { num_output: 3 kernel_size: 2 weight_filler ${f(2)} bias_filler ${f(3)} }`,
      [2, 3],
    ],
    ["CCCP", planes, (f) => `cccp_param { num_output: 3 weight_filler ${f(2)} bias_filler ${f(3)} }`, [2, 3]],
    [
      "LocallyConnected",
      planes,
      (f) => `locally_connected_param { num_output: 3 kernel_size: 2 weight_filler ${f(2)} bias_filler ${f(3)} }`,
      [2, 3],
    ],
    [
      "DenseBlock",
      planes,
      (f) =>
        `denseblock_param { numTransition: 1 growthRate: 2 Filter_Filler ${f(2)} BN_Scaler_Filler ${f(3)} BN_Bias_Filler ${f(4)} }`,
      [2, 3, 4, 0, 1, 0],
    ],
    [
      "RBM",
      [[5, 3]],
      (f) => `rbm_param { num_output: 4 weight_filler ${f(2)} bias_filler ${f(3)} visible_bias_filler ${f(4)} }`,
      [2, 3, 4],
    ],
    ["BN", planes, (f) => `bn_param { slope_filler ${f(2)} bias_filler ${f(3)} }`, [2, 3, 0, 1]],
    ["CenterLoss", rows, (f) => `center_loss_param { num_output: 4 center_filler ${f(2)} }`, [2]],
    [
      "InnerDistance",
      [[5, 3]],
      (f) => `inner_distance_param { num_output: 4 bias_term: true weight_filler ${f(2)} bias_filler ${f(3)} }`,
      [2, 3],
    ],
    ["MarginInnerProduct", rows, (f) => `margin_inner_product_param { num_output: 4 weight_filler ${f(2)} }`, [2]],
    [
      "LargeMarginInnerProduct",
      rows,
      (f) => `largemargin_inner_product_param { num_output: 4 weight_filler ${f(2)} }`,
      [2],
    ],
    ["Lstm", [[3, 2, 4]], (f) => `lstm_param { num_output: 2 weight_filler ${f(2)} bias_filler ${f(3)} }`, [2, 2, 3]],
  ];

describe("fillers in layers' parameters", () => {
  for (const [type, bottoms, param, values] of FILLED) {
    it(`${type} has blobs as its fillers say`, async () => {
      const filled = param((value) => `{ type: "constant" value: ${value} }`);
      await using net = await Net.load(text(type, bottoms, filled));
      const found = net.params.get("l")!.map(({ data }) => [...new Set(data)]);
      expect(found).to.deep.equal(values.map((value) => [value]));
    });
  }
});
