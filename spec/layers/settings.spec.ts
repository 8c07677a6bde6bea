import { expect } from "chai";
import { Net, type Tensor } from "../../lib/api/net.js";
import { noise } from "../support/forks.js";
import { inputLayer, lowerText } from "../support/net.js";

type Shapes = readonly (readonly number[])[];

const text = (type: string, bottoms: Shapes, param: string, tops = 1) =>
  `${bottoms.map((shape, i) => inputLayer(`x${i}`, ...shape)).join("")}layer { name: "l" type: "${type}"
    ${bottoms.map((_, i) => `bottom: "x${i}"`).join(" ")} ${Array.from({ length: tops }, (_, i) => `top: "y${i}"`).join(" ")} ${param} }`;

/** Values and gradients of a layer on noise, whose parameters are noise too. Labels are the bottoms of one axis. */
async function computed(type: string, bottoms: Shapes, param: string): Promise<Record<string, Tensor>> {
  await using net = await Net.load(text(type, bottoms, param), { phase: "TRAIN" });
  for (const [i, blob] of (net.params.get("l") ?? []).entries()) blob.data.set(noise(7 + i, blob.shape).data);
  const inputs = Object.fromEntries(
    bottoms.map((shape, i) => {
      const values = noise(1 + i, shape);
      return [`x${i}`, shape.length > 1 ? values : { shape, data: values.data.map((_, k) => k % 3) }];
    }),
  );
  const blobs = await net.forward(inputs);
  const gradients = await net.backward({ y0: noise(5, blobs["y0"]!.shape) });
  const params = (net.params.get("l") ?? []).map(
    ({ shape, diff }, i) => [`param ${i}`, { shape, data: diff }] as const,
  );
  const named = Object.entries(gradients).map(([name, value]) => [`gradient of ${name}`, value] as const);
  return { y: blobs["y0"]!, ...Object.fromEntries([...named, ...params]) };
}

const planes = [[2, 4, 7, 6]];
const space = [[2, 2, 4, 5, 5]];
const rows = [[5, 3], [5]];
const conv = (param: string) => `convolution_param { num_output: 4 ${param} }`;
const pool = (param: string) => `pooling_param { ${param} }`;

/** Settings that say the same in two ways: type, bottoms, one way and the other. */
const SAME: readonly (readonly [string, Shapes, string, string])[] = [
  ...(["Convolution", "Deconvolution", "ConvolutionDepthwise", "DepthwiseConvolution", "Im2col"] as const).flatMap(
    (type) =>
      (
        [
          ["kernel_h: 3 kernel_w: 2", "kernel_size: 3 kernel_size: 2"],
          ["kernel_size: 3 pad_h: 1 pad_w: 0", "kernel_size: 3 pad: 1 pad: 0"],
          ["kernel_size: 2 stride_h: 2 stride_w: 1", "kernel_size: 2 stride: 2 stride: 1"],
          ["kernel_size: 2 hole: 2", "kernel_size: 2 dilation: 2"],
          ["kernel_size: 2 hole_h: 2 hole_w: 1", "kernel_size: 2 dilation: 2 dilation: 1"],
          ["kernel_size: 2 dilation_h: 1 dilation_w: 2", "kernel_size: 2 dilation: 1 dilation: 2"],
          ["kernel_size: 2 engine: CAFFE", "kernel_size: 2"],
          ["kernel_size: 2 engine: CUDNN force_nd_im2col: true", "kernel_size: 2"],
          ["kernel_size: 2 axis: 1", "kernel_size: 2"],
        ] as const
      ).map(([a, b]) => [type, planes, conv(a), conv(b)] as const),
  ),
  ...(["ConvolutionDepthwise", "DepthwiseConvolution"] as const).map(
    (type) => [type, planes, conv("kernel_size: 2 group: 2"), conv("kernel_size: 2")] as const,
  ),
  [
    "DeformableConvolution",
    [
      [1, 4, 5, 6],
      [1, 18, 3, 3],
    ],
    "deformable_convolution_param { num_output: 2 kernel_size: 3 group: 2 deformable_group: 1 stride: 2 pad_h: 1 pad_w: 1 }",
    "deformable_convolution_param { num_output: 2 kernel_size: 3 group: 2 deformable_group: 1 stride: 2 pad: 1 }",
  ],
  ...[
    "kernel_h: 3 kernel_w: 3 pad_h: 1 pad_w: 1 stride_h: 2 stride_w: 2",
    "kernel_size: 3 pad: 1 stride: 2 dilation: 1",
  ].map(
    (window) =>
      [
        "ModulatedDeformableConvolution",
        [
          [1, 4, 5, 6],
          [1, 18, 3, 3],
          [1, 9, 3, 3],
        ],
        `modulated_deformable_convolution_param { num_output: 2 group: 2 ${window} }`,
        "modulated_deformable_convolution_param { num_output: 2 group: 2 deformable_group: 1 kernel_size: 3 stride: 2 pad: 1 }",
      ] as const,
  ),
  ...(["Convolution3D", "Deconvolution3D"] as const).map((type) => {
    const given = "kernel_size: 2 kernel_depth: 2";
    const ignored = "dilation: 1 filter_group: 2 engine: CAFFE force_nd_im2col: true";
    return [type, space, conv(`${given} ${ignored}`), conv(given)] as const;
  }),
  [
    "NdConvolution",
    space,
    conv("kernel_shape { dim: [2, 2, 2] } dilation: 1 engine: CAFFE force_nd_im2col: true"),
    conv("kernel_shape { dim: [2, 2, 2] }"),
  ],
  ["Pooling", planes, pool("kernel_size: 2 engine: CAFFE"), pool("kernel_size: 2")],
  ["Pooling3D", space, pool("kernel_size: 2 kernel_depth: 2 engine: CUDNN"), pool("kernel_size: 2 kernel_depth: 2")],
  ["NdPooling", space, pool("kernel_shape { dim: [2, 2, 2] } engine: CUDNN"), pool("kernel_shape { dim: [2, 2, 2] }")],
  ...(
    [
      ["ReLU", "relu_param"],
      ["Sigmoid", "sigmoid_param"],
      ["TanH", "tanh_param"],
      ["Softmax", "softmax_param"],
      ["LRN", "lrn_param"],
    ] as const
  ).map(([type, field]) => [type, planes, `${field} { engine: CUDNN }`, ""] as const),
  ["SPP", planes, "spp_param { pyramid_height: 2 engine: CAFFE }", "spp_param { pyramid_height: 2 }"],
  ["BN", planes, "bn_param { engine: CUDNN }", "bn_param {}"],
  ["BN", planes, "bn_param { frozen: true }", "bn_param { frozen: true momentum: 0.5 }"],
  ...(["SoftmaxWithLoss", "FocalLoss", "SoftmaxFocalLoss", "SoftmaxWithLossOHEM"] as const).flatMap(
    (type) =>
      [
        [type, rows, "softmax_param { engine: CUDNN axis: -1 }", ""],
        [type, rows, "loss_param { normalize: false }", "loss_param { normalization: BATCH_SIZE }"],
        [
          type,
          rows,
          "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 5 }",
          "loss_param { normalization: BATCH_SIZE }",
        ],
      ] as const,
  ),
  ...(["SigmoidCrossEntropyLoss", "SmoothL1LossOHEM"] as const).flatMap(
    (type) =>
      [
        [
          type,
          [
            [5, 3],
            [5, 3],
          ],
          "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 5 }",
          "loss_param { normalization: BATCH_SIZE }",
        ],
        [
          type,
          [
            [5, 3],
            [5, 3],
          ],
          "loss_param { normalize: false }",
          "loss_param { normalization: BATCH_SIZE }",
        ],
      ] as const,
  ),
  [
    "InfogainLoss",
    [[5, 3], [5], [1, 1, 3, 3]],
    "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 5 }",
    "loss_param { normalization: BATCH_SIZE }",
  ],
  ["InfogainLoss", [[5, 3], [5], [1, 1, 3, 3]], "loss_param { ignore_label: 9 }", ""],
  [
    "Resample",
    [[1, 2, 4, 6]],
    "resample_param { height: 2 width: 3 factor: 0.5 }",
    "resample_param { height: 2 width: 3 }",
  ],
  [
    "SpatialTransformer",
    [
      [1, 2, 4, 5],
      [1, 6],
    ],
    'st_param { transform_type: "affine" sampler_type: "bilinear" output_H: 4 output_W: 5 }',
    "st_param {}",
  ],
  [
    "Unpooling",
    [[1, 2, 2, 3]],
    "unpooling_param { unpool: TILE kernel_h: 2 kernel_w: 2 stride_h: 2 stride_w: 2 }",
    "unpooling_param { unpool: TILE kernel_size: 2 stride: 2 }",
  ],
  ["Upsample", planes, "upsample_param { stride_h: 3 stride_w: 2 }", "upsample_param { scale_h: 3 scale_w: 2 }"],
  [
    "Correlation",
    [
      [1, 2, 5, 5],
      [1, 2, 5, 5],
    ],
    "correlation_param { pad: 1 kernel_size: 1 max_displacement: 1 do_abs: true }",
    "correlation_param { pad: 1 kernel_size: 1 max_displacement: 1 }",
  ],
  [
    "Correlation1D",
    [
      [1, 2, 5, 5],
      [1, 2, 5, 5],
    ],
    "correlation_param { pad: 1 kernel_size: 1 max_displacement: 1 do_abs: true }",
    "correlation_param { pad: 1 kernel_size: 1 max_displacement: 1 }",
  ],
  [
    "LSTM",
    [
      [3, 2, 4],
      [3, 2],
    ],
    "recurrent_param { num_output: 2 debug_info: true }",
    "recurrent_param { num_output: 2 }",
  ],
  [
    "RNN",
    [
      [3, 2, 4],
      [3, 2],
    ],
    "recurrent_param { num_output: 2 debug_info: true }",
    "recurrent_param { num_output: 2 }",
  ],
  [
    "CombinedMargin",
    rows,
    "combined_margin_param { m2: 0.2 transform_test: true }",
    "combined_margin_param { m2: 0.2 }",
  ],
  ["CosinAddm", rows, "cosin_add_m_param { m: 0.2 transform_test: true }", "cosin_add_m_param { m: 0.2 }"],
  [
    "LabelSpecificAdd",
    rows,
    "label_specific_add_param { bias: -0.2 transform_test: true }",
    "label_specific_add_param { bias: -0.2 }",
  ],
  ...(["MarginInnerProduct", "LargeMarginInnerProduct", "InnerDistance", "CenterLoss"] as const).map((type) => {
    const field = {
      MarginInnerProduct: "margin_inner_product_param",
      LargeMarginInnerProduct: "largemargin_inner_product_param",
      InnerDistance: "inner_distance_param",
      CenterLoss: "center_loss_param",
    }[type];
    const bottoms: Shapes = type === "InnerDistance" ? [[5, 3]] : rows;
    return [type, bottoms, `${field} { num_output: 4 axis: -1 }`, `${field} { num_output: 4 }`] as const;
  }),
];

describe("settings", () => {
  for (const [type, bottoms, one, other] of SAME) {
    it(`${type}: ${one} is ${other || "the default"}`, async () => {
      const [a, b] = [await computed(type, bottoms, one), await computed(type, bottoms, other)];
      expect(Object.keys(a)).to.deep.equal(Object.keys(b));
      for (const [name, { shape, data }] of Object.entries(a)) {
        expect(shape, name).to.deep.equal(b[name]!.shape);
        data.forEach((value, i) => {
          expect(value, `${name}[${i}]`).to.be.closeTo(b[name]!.data[i]!, 1e-5);
        });
      }
    });
  }

  for (const [type, bottoms, kernel] of [
    ["Convolution", planes, "kernel_size: 2"],
    ["ConvolutionDepthwise", planes, "kernel_size: 2"],
    ["DepthwiseConvolution", planes, "kernel_size: 2"],
    ["Convolution3D", space, "kernel_size: 2 kernel_depth: 2"],
    ["NdConvolution", space, "kernel_shape { dim: [2, 2, 2] }"],
  ] as const) {
    it(`${type} rectifies what it gives, with a slope`, async () => {
      const plain = await computed(type, bottoms, conv(kernel));
      const rectified = await computed(type, bottoms, conv(`${kernel} relu: true negative_slope: 0.25`));
      rectified["y"]!.data.forEach((value, i) => {
        const before = plain["y"]!.data[i]!;
        expect(value).to.be.closeTo(before > 0 ? before : before / 4, 1e-5);
      });
    });
  }

  it("fix_gradient changes nothing where nothing is trained", () => {
    expect(lowerText(text("Normalize", [[2, 3]], "normalize_param { fix_gradient: true }")).blobs.has("y0")).to.equal(
      true,
    );
  });
});
