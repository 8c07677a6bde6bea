import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

type Shapes = readonly (readonly number[])[];

const text = (type: string, bottoms: Shapes, param: string) =>
  `${bottoms.map((shape, i) => inputLayer(`x${i}`, ...shape)).join("")}layer { name: "l" type: "${type}"
    ${bottoms.map((_, i) => `bottom: "x${i}"`).join(" ")} top: "y0" ${param} }`;

const planes = [[2, 4, 7, 6]];
const space = [[2, 2, 4, 5, 5]];
const conv = (param: string) => `convolution_param { num_output: 4 ${param} }`;
const pool = (param: string) => `pooling_param { ${param} }`;

/** Settings that a type would have to ignore, or that netrun does not have: type, bottoms, parameters and what is said. */
const REFUSED: readonly (readonly [string, Shapes, string, string])[] = [
  ...(["kernel_h", "kernel_w", "stride_h", "stride_w", "pad_h", "pad_w"] as const).flatMap(
    (field) =>
      [
        ["Pooling3D", space, pool(`kernel_size: 2 kernel_depth: 2 ${field}: 2`), `Pooling3D layers have no ${field}`],
        ["NdPooling", space, pool(`kernel_shape { dim: [2, 2, 2] } ${field}: 2`), `NdPooling layers have no ${field}`],
      ] as const,
  ),
  ["Pooling3D", space, pool("kernel_size: 2 kernel_depth: 2 avg_include_pad: false"), "layers have no avg_include_pad"],
  [
    "NdPooling",
    space,
    pool("kernel_shape { dim: [2, 2, 2] } avg_include_pad: false"),
    "layers have no avg_include_pad",
  ],
  [
    "Pooling3D",
    space,
    pool("kernel_size: 2 kernel_depth: 2 kernel_shape { dim: [2, 2, 2] }"),
    "layers have no kernel_shape",
  ],
  ...(
    ["kernel_size", "stride", "pad", "kernel_depth", "temporal_stride", "kernel_l", "stride_l", "pad_l"] as const
  ).map(
    (field) =>
      [
        "NdPooling",
        space,
        pool(`kernel_shape { dim: [2, 2, 2] } ${field}: 1`),
        `NdPooling layers have no ${field}`,
      ] as const,
  ),
  ...(["kernel_size", "stride", "pad"] as const).map(
    (field) =>
      [
        "NdConvolution",
        space,
        conv(`kernel_shape { dim: [2, 2, 2] } ${field}: 1`),
        `NdConvolution layers have ${field.replace("_size", "")}_shape in place of ${field}`,
      ] as const,
  ),
  ["Unpooling", [[1, 2, 2, 2]], "unpooling_param { kernel_size: 2 stride_w: 2 }", "stride_h and stride_w go together"],
  [
    "WarpCTCLoss",
    [
      [3, 2, 4],
      [2, 2],
    ],
    "ctc_loss_param { blank_label: 2 }",
    "WarpCTCLoss layers have no blank_label",
  ],
  [
    "WarpCTCLoss",
    [
      [3, 2, 4],
      [2, 2],
    ],
    "ctc_loss_param { alphabet_size: 5 }",
    "alphabet_size is 5",
  ],
  [
    "CTCLoss",
    [
      [3, 2, 4],
      [3, 2],
      [3, 2],
    ],
    "ctc_loss_param { blank_label: 2 }",
    "CTCLoss layers have no blank_label",
  ],
  [
    "CTCLoss",
    [
      [3, 2, 4],
      [3, 2],
      [3, 2],
    ],
    "ctc_loss_param { time_step: 4 }",
    "time_step is 4",
  ],
  [
    "CtcLoss",
    [
      [3, 2, 4],
      [2, 2],
    ],
    "ctc_loss_param { alphabet_size: 4 time_step: 3 blank_index: 1 }",
    "CtcLoss layers have no blank_index",
  ],
  [
    "PriorBox",
    [
      [1, 2, 3, 3],
      [1, 3, 9, 9],
    ],
    "prior_box_param { min_size: 3 img_h: 9 }",
    "img_h and img_w go together",
  ],
  [
    "PriorBox",
    [
      [1, 2, 3, 3],
      [1, 3, 9, 9],
    ],
    "prior_box_param { min_size: 3 img_size: 9 img_h: 9 img_w: 9 }",
    "either img_size or img_h and img_w",
  ],
  ["Unpooling", [[1, 2, 2, 2]], "unpooling_param { kernel_w: 2 }", "kernel_h and kernel_w go together"],
  ["Unpooling", [[1, 2, 2, 2]], "unpooling_param { kernel_size: 2 unpool_w: 4 }", "unpool_h and unpool_w go together"],
  ["Upsample", [[1, 2, 2, 2]], "upsample_param { scale: 2 upsample_w: 5 }", "upsample_h and upsample_w go together"],
  ...(["kernel_h: 2", "stride_h: 2", "pad_w: 1"] as const).flatMap(
    (given) =>
      [
        ["Convolution3D", space, conv(`kernel_size: 2 kernel_depth: 2 ${given}`), "are for 2 spatial axes, here are 3"],
        [
          "Deconvolution3D",
          space,
          conv(`kernel_size: 2 kernel_depth: 2 ${given}`),
          "are for 2 spatial axes, here are 3",
        ],
        [
          "NdConvolution",
          space,
          conv(`kernel_shape { dim: [2, 2, 2] } ${given}`),
          "are for 2 spatial axes, here are 3",
        ],
      ] as const,
  ),
  ...(["Convolution", "Deconvolution", "ConvolutionDepthwise", "DepthwiseConvolution", "Im2col"] as const).flatMap(
    (type) =>
      (
        [
          ["kernel_depth: 2", "kernel_depth is for Convolution3D layers"],
          ["temporal_stride: 2", "temporal_stride is for Convolution3D layers"],
          ["temporal_pad: 2", "temporal_pad is for Convolution3D layers"],
          ["kernel_shape { dim: 2 dim: 2 }", "kernel_shape is for NdConvolution layers"],
          ["stride_shape { dim: 2 dim: 2 }", "stride_shape is for NdConvolution layers"],
          ["pad_shape { dim: 2 dim: 2 }", "pad_shape is for NdConvolution layers"],
        ] as const
      ).map(([given, message]) => [type, planes, conv(`kernel_size: 2 ${given}`), message] as const),
  ),
  ["Deconvolution", planes, conv("kernel_size: 2 relu: true"), "relu is for convolutions"],
  ["Im2col", planes, conv("kernel_size: 2 relu: true"), "relu is for convolutions"],
  [
    "CTCLoss",
    [
      [5, 2, 3],
      [5, 2],
      [5, 2],
    ],
    "ctc_loss_param { preprocess_collapse_repeated: true }",
    "labels are not collapsed",
  ],
  ["Normalize", [[2, 3]], "normalize_param { fix_gradient: true }", "fix_gradient"],
  [
    "SpatialTransformer",
    [
      [1, 2, 4, 5],
      [1, 6],
    ],
    'st_param { transform_type: "tps" }',
    "transform_type is not affine",
  ],
];

describe("settings that a layer cannot honour", () => {
  for (const [type, bottoms, param, message] of REFUSED) {
    it(`${type} refuses ${param}`, () => {
      expect(refusal(text(type, bottoms, param), "TRAIN")).to.contain(message);
    });
  }
});
