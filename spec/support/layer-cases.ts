import type { layerTypes, PhaseName } from "../../lib/layers/index.js";
import { inputLayer } from "./net.js";

/** A bottom: its shape with values between -1 and 1, or within a range, or given ones that have no gradient. */
export type Bottom =
  | readonly number[]
  | { readonly shape: readonly number[]; readonly from: number; readonly to: number }
  | { readonly shape: readonly number[]; readonly given: readonly number[] };

/** One use of a layer type: its bottoms, by default one, its parameters as text, and what differs from one top in TEST. */
export interface Case {
  readonly bottoms?: readonly Bottom[];
  readonly param?: string;
  readonly tops?: number;
  readonly phase?: PhaseName;
  /** Sizes that the data decides. */
  readonly size?: number;
}

const within = (from: number, to: number, shape: readonly number[]): Bottom => ({ shape, from, to });
const fixed = (values: readonly number[], shape: readonly number[] = [values.length]): Bottom => ({
  shape,
  given: values,
});

/** A net of one layer "l" of a type, used like that: bottoms x0, x1 ... with their shapes, and tops y0, y1 ... */
export function caseNet(type: string, { bottoms = [odd], param = "", tops = 1 }: Case) {
  const shapes = bottoms.map((bottom) => ("shape" in bottom ? bottom.shape : bottom));
  const names = shapes.map((_, i) => `x${i}`);
  const topNames = Array.from({ length: tops }, (_, i) => `y${i}`);
  const fields = [...names.map((name) => `bottom: "${name}"`), ...topNames.map((name) => `top: "${name}"`)].join(" ");
  const inputs = shapes.map((shape, i) => inputLayer(names[i]!, ...shape)).join("");
  return { text: `${inputs}layer { name: "l" type: "${type}" ${fields} ${param} }`, shapes, names, topNames };
}

/** A shape with nothing round about it. */
export const odd = [3, 5, 2, 2];
const unary: readonly Case[] = [{}, { bottoms: [[]] }, { bottoms: [[7]] }];
const inside = [1, 0, 1, 1, 1, 0];
/** Priors of SSD with variances of 1. */
const boxes = (...corners: readonly (readonly number[])[]) =>
  fixed([...corners.flat(), ...corners.flat().map(() => 1)], [1, 2, corners.length * 4]);
/** Uses of a loss that are divided by other numbers than it is without a word. */
const divided = (bottoms: readonly Bottom[], param = ""): readonly Case[] =>
  ["normalize: false", "normalization: PRE_FIXED pre_fixed_normalizer: 7"].map((by) => ({
    bottoms,
    param: `${param} loss_param { ${by} }`,
  }));
/** Numbers about a middle that have no gradient. */
const wave = (length: number, middle: number, size: number, shape: readonly number[]) =>
  fixed(
    Array.from({ length }, (_, i) => middle + size * Math.sin(5 * i)),
    shape,
  );
/** Nine priors of SSD in three rows, those of the first row and column out of the image, with small variances. */
const grid = fixed(
  [
    ...Array.from({ length: 9 }, (_, i) => [(i % 3) * 0.3 - 0.02, Math.floor(i / 3) * 0.28 - 0.02]).flatMap(
      ([x, y]) => [x!, y!, x! + 0.4, y! + 0.42],
    ),
    ...Array.from({ length: 36 }, (_, i) => 0.1 + 0.05 * (i % 4)),
  ],
  [1, 2, 36],
);
/** Boxes of two images. */
const truths = fixed(
  [
    [0, 1, 0, 0.02, 0.05, 0.4, 0.5, 0],
    [0, 2, 0, 0.3, 0.25, 0.75, 0.65, 1],
    [1, 2, 0, 0.55, 0.6, 0.97, 0.95, 0],
  ].flat(),
  [1, 1, 3, 8],
);
/** Boxes of an image: item, class, instance, corners, difficult. */
const truth = [0, 1, 0, 0.05, 0.1, 0.45, 0.6, 0, 0, 2, 0, 0.5, 0.25, 0.95, 0.65, 0];
const rois = fixed([0, 0, 0, 5, 4, 1, 1, 2, 7, 6, 1, 6, 5, 12, 9, 0, 3, 3, 3, 3], [4, 5]);
const time = [1, 1, 0, 1, 1, 0, 1, 1];

/**
 * Every layer type, with uses whose gradients (of bottoms and blobs) are compared with differences; or why it has none.
 * A new layer type does not compile until it is here.
 */
export const layerCases = {
  AbsVal: unary,
  Accuracy: "counts",
  ArgMax: "gives indices, and values without a gradient",
  BNLL: unary,
  BatchNorm: [
    { phase: "TRAIN" },
    { phase: "TRAIN", bottoms: [[5, 3]] },
    {},
    { param: "batch_norm_param { use_global_stats: false }" },
    {
      phase: "TRAIN",
      bottoms: [[4, 3]],
      param: `batch_norm_param { eps: 0.3 moving_average_fraction: 0.7 scale_filler { type: "constant" value: 2 }
        bias_filler { type: "constant" value: 0.5 } }`,
    },
    { phase: "TRAIN", bottoms: [[4, 3]], param: "batch_norm_param { scale_bias: true }" },
    {
      phase: "TRAIN",
      bottoms: [[4, 3]],
      param: 'batch_norm_param { use_weight_bias: true filler { type: "constant" value: 2 } }',
    },
  ],
  BatchReindex: [{ bottoms: [[3, 5], fixed([2, 0, 2, 1])] }],
  Bias: [
    {},
    { param: "bias_param { axis: -3 num_axes: 2 }" },
    { param: "bias_param { num_axes: 0 }" },
    { param: "bias_param { axis: 0 num_axes: -1 }" },
    { bottoms: [odd, [5, 2]] },
    { bottoms: [odd, []] },
  ],
  Clip: [{ param: "clip_param { min: -0.5 max: 0.7 }" }],
  Concat: [
    { bottoms: [odd, [3, 1, 2, 2], [3, 4, 2, 2]] },
    { bottoms: [odd, [3, 5, 2, 7]], param: "concat_param { axis: -1 }" },
    { bottoms: [odd], param: "concat_param { axis: 0 }" },
  ],
  ContrastiveLoss: [
    { bottoms: [[5, 3], [5, 3], fixed([1, 0, 0, 1, 0])] },
    {
      bottoms: [[5, 3], [5, 3], fixed([1, 0, 0, 1, 0])],
      param: "contrastive_loss_param { margin: 3 legacy_version: true }",
    },
  ],
  Convolution: [
    { bottoms: [[2, 3, 7, 5]], param: "convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 }" },
    {
      bottoms: [[2, 4, 7, 5]],
      param: "convolution_param { num_output: 6 kernel_h: 3 kernel_w: 2 pad_h: 2 pad_w: 0 group: 2 bias_term: false }",
    },
    { bottoms: [[2, 3, 11]], param: "convolution_param { num_output: 2 kernel_size: 3 dilation: 3 stride: 2 pad: 1 }" },
    { bottoms: [[2, 2, 5, 4, 3]], param: "convolution_param { num_output: 2 kernel_size: 2 }" },
    { bottoms: [[2, 3, 4]], param: "convolution_param { axis: -1 num_output: 5 }" },
    { bottoms: [[2, 3, 2, 6, 5]], param: "convolution_param { axis: 2 num_output: 2 kernel_size: 2 kernel_size: 3 }" },
  ],
  Crop: [
    {
      bottoms: [
        [3, 5, 6, 7],
        [3, 5, 4, 2],
      ],
      param: "crop_param { offset: 1 offset: 3 }",
    },
    {
      bottoms: [
        [4, 5],
        [2, 3],
      ],
      param: "crop_param { axis: -2 offset: 2 }",
    },
  ],
  AnnotatedData: "brings data in",
  Data: "brings data in",
  Deconvolution: [
    { bottoms: [[2, 3, 4, 3]], param: "convolution_param { num_output: 2 kernel_size: 3 stride: 2 pad: 1 }" },
    {
      bottoms: [[2, 4, 3, 3]],
      param: "convolution_param { num_output: 4 kernel_size: 3 group: 2 dilation: 2 bias_term: false }",
    },
    { bottoms: [[2, 3, 5]], param: "convolution_param { num_output: 2 kernel_size: 2 stride: 3 }" },
    { bottoms: [[3, 5]], param: "convolution_param { num_output: 4 }" },
  ],
  Dropout: [{ phase: "TRAIN" }, { phase: "TRAIN", param: "dropout_param { dropout_ratio: 0.9 }" }, {}],
  DummyData: "brings data in",
  ELU: [{}, { param: "elu_param { alpha: 0.3 }" }],
  Eltwise: [
    {
      bottoms: [odd, odd, fixed([0.5, -1, 2, 1.5, 0.3, -0.7], [2, 3])],
      param: "eltwise_param { coeff_blob: true coeff: 1 coeff: -2 }",
    },
    { bottoms: [odd, odd, odd] },
    { bottoms: [odd, odd], param: "eltwise_param { coeff: -2 coeff: 0.5 }" },
    { bottoms: [odd, odd, odd], param: "eltwise_param { operation: MAX }" },
    { bottoms: [odd, odd, odd], param: "eltwise_param { operation: PROD }" },
    { bottoms: [odd, odd, odd], param: "eltwise_param { operation: PROD stable_prod_grad: false }" },
  ],
  Embed: [
    { bottoms: [fixed([2, 0, 2, 4, 1, 0], [3, 2])], param: "embed_param { input_dim: 5 num_output: 3 }" },
    { bottoms: [fixed([1], [])], param: "embed_param { input_dim: 2 num_output: 3 bias_term: false }" },
  ],
  EuclideanLoss: [
    {
      bottoms: [
        [5, 3],
        [5, 3],
      ],
    },
  ],
  Exp: [{}, { param: "exp_param { base: 3 scale: -0.5 shift: 2 }" }, { param: "exp_param { shift: 0.5 }" }],
  Filter: [{ bottoms: [[6, 3], [6], fixed(inside, [6, 1])], tops: 2, size: 4 }],
  Flatten: [{}, { param: "flatten_param { axis: -3 end_axis: -2 }" }],
  HDF5Data: "brings data in",
  HDF5Output: "has no tops",
  HingeLoss: [
    { bottoms: [[5, 3], fixed([0, 2, 1, 2, 0])] },
    { bottoms: [[5, 3], fixed([0, 2, 1, 2, 0])], param: "hinge_loss_param { norm: L2 }" },
  ],
  Im2col: [
    { bottoms: [[2, 3, 7, 5]], param: "convolution_param { kernel_size: 3 stride: 2 pad: 1 dilation: 2 }" },
    { bottoms: [[1, 2, 5, 5]], param: "convolution_param { kernel_size: 2 hole: 3 }" },
  ],
  ImageData: "brings data in",
  InfogainLoss: [
    { bottoms: [[5, 3], fixed([0, 2, 1, 2, 0]), fixed([1, 0.2, 0, 0.1, 2, 0.3, 0, 0.5, 1.5], [1, 1, 3, 3])] },
  ],
  InnerProduct: [
    {
      bottoms: [[3, 4], [2, 4], [2]],
    },
    { bottoms: [[5, 3, 2]], param: "inner_product_param { num_output: 4 }" },
    { bottoms: [[5, 3, 2]], param: "inner_product_param { num_output: 4 axis: -1 transpose: true bias_term: false }" },
  ],
  Input: "brings data in",
  LRN: [
    { bottoms: [[2, 7, 3, 2]], param: "lrn_param { local_size: 5 alpha: 2 beta: 0.6 k: 2 }" },
    { bottoms: [[2, 3, 5, 7]], param: "lrn_param { local_size: 3 alpha: 2 norm_region: WITHIN_CHANNEL }" },
  ],
  // Exposed hidden states have no gradient, in Caffe neither.
  LSTM: [
    { bottoms: [[4, 2, 3], fixed(time, [4, 2])], param: "recurrent_param { num_output: 3 }" },
    { bottoms: [[4, 2, 3], fixed(time, [4, 2]), [2, 5]], param: "recurrent_param { num_output: 3 }" },
  ],
  LSTMUnit: [{ bottoms: [[1, 3, 2], [1, 3, 8], fixed([1, 0, 1], [1, 3])], tops: 2 }],
  Log: [
    { bottoms: [within(0.5, 2, odd)] },
    { bottoms: [within(0.5, 2, odd)], param: "log_param { base: 3 scale: 2 shift: 1 }" },
  ],
  MVN: [{}, { param: "mvn_param { across_channels: true }" }, { param: "mvn_param { normalize_variance: false }" }],
  MemoryData: "brings data in",
  MultinomialLogisticLoss: [{ bottoms: [within(0.2, 0.9, [5, 3]), fixed([0, 2, 1, 2, 0])] }],
  PReLU: [{}, { bottoms: [[3, 5]] }, { param: "prelu_param { channel_shared: true }" }],
  Parameter: [{ bottoms: [], param: "parameter_param { shape { dim: 3 dim: 5 } }" }],
  Pooling: [
    { bottoms: [[2, 2, 6, 7]], param: "pooling_param { kernel_size: 2 dilation: 2 }" },
    {
      bottoms: [[2, 2, 6, 7]],
      param: "pooling_param { pool: AVE kernel_h: 2 kernel_w: 3 stride: 2 dilation: 3 dilation: 2 }",
    },
    { bottoms: [[2, 3, 7, 5]], param: "pooling_param { kernel_size: 3 stride: 2 pad: 1 }" },
    { bottoms: [[2, 3, 7, 5]], param: "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }" },
    { bottoms: [[2, 3, 7, 5]], param: "pooling_param { pool: AVE global_pooling: true }" },
    {
      bottoms: [within(0.1, 1, [2, 3, 7, 5])],
      param: "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 3 }",
      phase: "TRAIN",
    },
  ],
  Power: [
    { param: "power_param { power: 2 scale: 3 shift: -0.5 }" },
    { bottoms: [within(0.5, 2, odd)], param: "power_param { power: -1.7 }" },
    { bottoms: [within(0.5, 2, odd)], param: "power_param { power: 3 scale: 0.5 shift: 1 }" },
    { param: "power_param { power: 1 scale: -2 shift: 1 }" },
  ],
  Python: "is what a plugin makes of it",
  RNN: [
    { bottoms: [[4, 2, 3], fixed(time, [4, 2])], param: "recurrent_param { num_output: 3 }" },
    { bottoms: [[4, 2, 3], fixed(time, [4, 2]), [2, 5]], param: "recurrent_param { num_output: 3 }" },
  ],
  ReLU: [{}, { param: "relu_param { negative_slope: 0.3 }" }],
  Reduction: [
    {},
    { param: "reduction_param { operation: ASUM axis: 1 coeff: -2 }" },
    { param: "reduction_param { operation: SUMSQ axis: -1 }" },
    { param: "reduction_param { operation: MEAN axis: 2 coeff: 3 }" },
  ],
  Reshape: [{ param: "reshape_param { axis: 1 num_axes: 2 shape { dim: 2 dim: -1 } }" }],
  SPP: [
    { bottoms: [[2, 3, 9, 8]], param: "spp_param { pyramid_height: 3 }" },
    { bottoms: [[2, 3, 7, 5]], param: "spp_param { pyramid_height: 2 pool: AVE }" },
  ],
  Scale: [
    { param: "scale_param { bias_term: true }" },
    { param: "scale_param { axis: -2 num_axes: -1 }" },
    { param: "scale_param { num_axes: 0 bias_term: true }" },
    { bottoms: [odd, [5, 2]], param: "scale_param { bias_term: true }" },
    { bottoms: [odd, []] },
    { bottoms: [odd, odd], param: "scale_param { axis: 0 }" },
  ],
  Sigmoid: unary,
  SigmoidCrossEntropyLoss: [
    { bottoms: [[5, 3], fixed([0, 1, 0.3, 0, 1, 1, 0, 0, 1, 0.5, 1, 0, 0, 1, 1], [5, 3])] },
    {
      bottoms: [[5, 3], fixed([0, 1, 2, 0, 1, 1, 0, 2, 1, 0, 1, 0, 0, 1, 1], [5, 3])],
      param: "loss_param { ignore_label: 2 normalization: VALID }",
    },
    ...divided([[5, 3], fixed([0, 1, 0.3, 0, 1, 1, 0, 0, 1, 0.5, 1, 0, 0, 1, 1], [5, 3])]),
    {
      bottoms: [[5, 3], fixed([0, 1, 2, 0, 1, 1, 0, 0.5, 1, 0, 0, 0, 1, 1, 1], [5, 3])],
      param: "loss_param { ignore_label: 2 class_balanced: true }",
    },
  ],
  Silence: "has no tops",
  Slice: [
    { bottoms: [[3, 5]], tops: 3, param: "slice_param { slice_point: 1 slice_point: 4 }" },
    { bottoms: [[3, 6, 2]], tops: 2, param: "slice_param { axis: -2 }" },
    { bottoms: [[3, 5]], tops: 1 },
  ],
  Softmax: [{}, { param: "softmax_param { axis: -1 }" }, { param: "softmax_param { axis: 0 }" }],
  SoftmaxWithLoss: [
    {
      bottoms: [[5, 3], fixed([0, 2, 9, 2, 1])],
      param:
        "loss_param { ignore_label: 9 weight_by_label_freqs: true class_weighting: 0.5 class_weighting: 2 class_weighting: 3 }",
    },
    { bottoms: [[5, 3], fixed([0, 2, 1, 2, 0])] },
    {
      bottoms: [[2, 3, 3], fixed([0, 2, 255, 1, 255, 0], [2, 3])],
      param: "softmax_param { axis: -1 } loss_param { ignore_label: 255 normalization: FULL }",
    },
    ...divided([[2, 3, 3], fixed([0, 2, 1, 2, 0, 1], [2, 3])]),
  ],
  Split: [{ tops: 3 }],
  Swish: [{}, { param: "swish_param { beta: 2.5 }" }],
  TanH: unary,
  Threshold: "is constant between its steps",
  Tile: [{ param: "tile_param { tiles: 3 }" }, { bottoms: [[2, 3]], param: "tile_param { axis: -1 tiles: 2 }" }],
  WindowData: "brings data in",

  Axpy: [{ bottoms: [[3, 5], odd, odd] }, { bottoms: [[3, 5, 1, 1], odd, odd] }],
  BN: [
    { bottoms: [[2, 3, 2, 2, 2]], phase: "TRAIN", param: "bn_param { eps: 0.1 }" },
    {},
    { param: "bn_param { bn_mode: INFERENCE }" },
    { param: "bn_param { frozen: true }", phase: "TRAIN" },
    { param: "bn_param { bn_mode: LEARN }", bottoms: [[3, 2, 3, 3]] },
    { param: "bn_param { eps: 0.1 }", bottoms: [[3, 2, 3, 3]], phase: "TRAIN" },
    ...["slope_filler bias_filler", "scale_filler shift_filler"].map((names) => ({
      param: `bn_param { momentum: 0.6 ${names.replace(/\w+/g, '$& { type: "constant" value: 3 }')} }`,
      bottoms: [[3, 2, 3, 3]],
      phase: "TRAIN" as const,
    })),
  ],
  BoxAnnotatorOHEM: "picks examples",
  CenterLoss: "has its authors' gradient of the centers",
  ChannelNorm: [{}],
  Convolution3D: [
    {
      bottoms: [[2, 2, 4, 5, 5]],
      param:
        "convolution_param { num_output: 3 kernel_size: 3 kernel_depth: 2 pad: 1 temporal_pad: 1 stride: 2 temporal_stride: 1 }",
    },
  ],
  ConvolutionDepthwise: [{ bottoms: [[2, 3, 5, 4]], param: "convolution_param { num_output: 6 kernel_size: 3 }" }],
  Correlation: [
    {
      bottoms: [
        [2, 3, 4, 5],
        [2, 3, 4, 5],
      ],
      param: "correlation_param { pad: 2 kernel_size: 1 max_displacement: 2 }",
    },
    {
      bottoms: [
        [1, 2, 7, 6],
        [1, 2, 7, 6],
      ],
      param: "correlation_param { pad: 3 kernel_size: 3 max_displacement: 2 stride_1: 2 stride_2: 2 }",
    },
  ],
  Correlation1D: [
    {
      bottoms: [
        [2, 3, 4, 6],
        [2, 3, 4, 6],
      ],
      param: "correlation_param { pad: 2 kernel_size: 1 max_displacement: 2 single_direction: -1 }",
    },
  ],
  DepthwiseConvolution: [{ bottoms: [[2, 3, 5, 4]], param: "convolution_param { num_output: 3 kernel_size: 3 }" }],
  DetectionEvaluate: "is for inference only",
  DetectionOutput: "is for inference only",
  DiceLoss: "has its authors' gradient",
  Flip: [
    { bottoms: [[2, 2, 3, 4]] },
    { bottoms: [[2, 2, 3, 4]], param: "flip_param { flip_width: false flip_height: true }" },
  ],
  GSTiling: [
    { bottoms: [[2, 2, 4, 6]], param: "gs_tiling_param { stride: 2 }" },
    { bottoms: [[1, 8, 2, 3]], param: "gs_tiling_param { stride: 2 reverse: true }" },
  ],
  FlowWarp: [{ bottoms: [[2, 3, 4, 5], within(-2.9, 3.1, [2, 2, 4, 5])] }],
  FocalLoss: [
    { bottoms: [[5, 3], fixed([0, 2, 1, 2, 0])] },
    { bottoms: [[5, 3], fixed([0, 2, 1, 2, 0])], param: "focal_loss_param { alpha: 2 gamma: 0.5 }" },
    {
      bottoms: [[2, 3, 3], fixed([0, 2, 9, 1, 9, 0], [2, 3])],
      param:
        "softmax_param { axis: -1 } loss_param { ignore_label: 9 normalization: FULL } focal_loss_param { gamma: 0 }",
    },
    ...divided([[2, 3, 3], fixed([0, 2, 1, 2, 0, 1], [2, 3])]),
  ],
  GroupNorm: [
    { param: "group_norm_param { group_num: 5 eps: 0.1 }" },
    { bottoms: [[2, 6, 3]], param: "group_norm_param { group_ratio: 2 }" },
  ],
  HardSigmoid: [
    { bottoms: [within(-4, 4, odd)] },
    { bottoms: [within(-4, 4, odd)], param: "hardsigmoid_param { alpha: 0.3 beta: 0.4 }" },
  ],
  HardSwish: [{ bottoms: [within(-5, 5, odd)] }],
  InstanceNorm: [{}],
  Interp: [
    { param: "interp_param { zoom_factor: 3 }" },
    { bottoms: [[1, 2, 5, 7]], param: "interp_param { height: 3 width: 9 }" },
    { bottoms: [[1, 2, 5, 7]], param: "interp_param { pad_beg: -1 pad_end: -1 shrink_factor: 2 }" },
    { bottoms: [[1, 2, 5, 7]], param: "interp_param { height: 1 width: 1 }" },
  ],
  L1Loss: [
    { bottoms: [within(-2, 2, odd)] },
    { bottoms: [within(-2, 2, odd), odd], param: "l1_loss_param { plateau: 0.3 normalize_by_num_entries: true }" },
    { bottoms: [within(-2, 2, odd), odd], param: "l1_loss_param { l2_per_location: true }" },
    {
      bottoms: [within(-2, 2, odd), odd],
      param: "l1_loss_param { l2_per_location: true l2_prescale_by_channels: true epsilon: 0.5 plateau: 0.7 }",
    },
  ],
  L2Normalization: [{ bottoms: [[3, 5]] }, { bottoms: [[3, 5, 1, 1]] }],
  LabelSpecificAdd: [
    {
      bottoms: [[5, 3], fixed([0, 2, 1, 2, 0])],
      param: "label_specific_add_param { bias: -0.35 }",
      phase: "TRAIN",
    },
    { bottoms: [[5, 3], fixed([0, 2, 1, 2, 0])], param: "label_specific_add_param { bias: -0.35 }" },
  ],
  LayerNorm: [{}, { bottoms: [[3, 7]], param: "layer_norm_param { eps: 0.2 }" }],
  MarginInnerProduct: "has its authors' gradients",
  Mish: [{ bottoms: [within(-6, 6, odd)] }],
  MultiBoxFocalLoss: [
    ...divided([[2, 36], [2, 27], grid, truths], "multibox_loss_param { num_classes: 3 overlap_threshold: 0.2 }"),
    {
      bottoms: [[2, 36], [2, 27], grid, truths],
      param:
        "multibox_loss_param { num_classes: 3 code_type: CENTER_SIZE overlap_threshold: 0.1 } focal_loss_param { alpha: 0.6 gamma: 1.5 }",
    },
  ],
  MultiBoxLoss: [
    ...[
      "background_label_id: 2 do_neg_mining: false overlap_threshold: 0.2",
      "nms_param { nms_threshold: 0.1 } use_prior_for_nms: true overlap_threshold: 0.1 neg_overlap: 0.9",
    ].map((param) => ({
      bottoms: [[2, 36], [2, 27], grid, fixed([0, 1, 0, 0.02, 0.05, 0.4, 0.5, 0], [1, 1, 1, 8])],
      param: `multibox_loss_param { num_classes: 3 ${param} }`,
    })),
    {
      bottoms: [[2, 36], [2, 18], grid, fixed([0, 0, 0, 0.02, 0.05, 0.4, 0.5, 0], [1, 1, 1, 8])],
      param: "multibox_loss_param { num_classes: 2 map_object_to_agnostic: true overlap_threshold: 0.2 }",
    },
    ...divided([[2, 36], [2, 27], grid, truths], "multibox_loss_param { num_classes: 3 overlap_threshold: 0.2 }"),
    ...[
      "overlap_threshold: 0.2 neg_pos_ratio: 1 loc_loss_type: L2 loc_weight: 0.3 use_difficult_gt: false",
      "use_prior_for_matching: false code_type: CORNER_SIZE overlap_threshold: 0.1 bp_inside: true neg_overlap: 0.05",
      "encode_variance_in_target: true overlap_threshold: 0.1 match_type: BIPARTITE mining_type: HARD_EXAMPLE sample_size: 3",
      "ignore_cross_boundary_bbox: true overlap_threshold: 0.1 neg_pos_ratio: 9",
    ].map((param) => ({
      bottoms: [[2, 36], [2, 27], grid, truths],
      param: `multibox_loss_param { num_classes: 3 ${param} }`,
    })),
    {
      bottoms: [[2, 36], [2, 27], grid, truths, wave(36, 0.5, 0.5, [2, 18]), wave(72, 0, 0.4, [2, 36])],
      param:
        "multibox_loss_param { num_classes: 3 code_type: CENTER_SIZE overlap_threshold: 0.2 objectness_score: 0.6 }",
    },
    {
      bottoms: [
        [1, 48],
        [1, 12],
        boxes([0.1, 0.1, 0.5, 0.5], [0.4, 0.2, 0.9, 0.7], [0, 0.5, 0.5, 1], [0.6, 0.6, 1, 1]),
        fixed(truth, [1, 1, 2, 8]),
      ],
      param: `multibox_loss_param { num_classes: 3 code_type: CENTER_SIZE share_location: false use_prior_for_matching: false
        mining_type: NONE overlap_threshold: 0.2 }`,
    },
    {
      bottoms: [
        [1, 16],
        [1, 12],
        boxes([0.1, 0.1, 0.5, 0.5], [0.4, 0.2, 0.9, 0.7], [0, 0.5, 0.5, 1], [0.6, 0.6, 1, 1]),
        fixed(truth, [1, 1, 2, 8]),
      ],
      param: "multibox_loss_param { num_classes: 3 code_type: CENTER_SIZE overlap_threshold: 0.4 neg_pos_ratio: 9 }",
    },
    {
      bottoms: [
        [1, 16],
        [1, 12],
        boxes([0.1, 0.1, 0.5, 0.5], [0.4, 0.2, 0.9, 0.7], [0, 0.5, 0.5, 1], [0.6, 0.6, 1, 1]),
        fixed(truth, [1, 1, 2, 8]),
      ],
      param:
        "multibox_loss_param { num_classes: 3 mining_type: NONE conf_loss_type: LOGISTIC loc_loss_type: L2 loc_weight: 0.5 }",
    },
    {
      bottoms: [
        [1, 48],
        [1, 12],
        boxes([0.1, 0.1, 0.5, 0.5], [0.4, 0.2, 0.9, 0.7], [0, 0.5, 0.5, 1], [0.6, 0.6, 1, 1.2]),
        fixed(truth, [1, 1, 2, 8]),
      ],
      param:
        "multibox_loss_param { num_classes: 3 mining_type: NONE share_location: false bp_inside: true overlap_threshold: 0.2 }",
    },
    {
      bottoms: [
        [1, 16],
        [1, 12],
        boxes([0.1, 0.1, 0.5, 0.5], [0.4, 0.2, 0.9, 0.7], [0, 0.5, 0.5, 1], [0.6, 0.6, 1, 1]),
        fixed(truth, [1, 1, 2, 8]),
      ],
      param: "multibox_loss_param { num_classes: 3 code_type: CENTER_SIZE use_prior_for_matching: false }",
    },
    ...["normalize: false", "normalization: PRE_FIXED pre_fixed_normalizer: 3"].map((loss) => ({
      bottoms: [
        [1, 16],
        [1, 12],
        boxes([0.1, 0.1, 0.5, 0.5], [0.4, 0.2, 0.9, 0.7], [0, 0.5, 0.5, 1], [0.6, 0.6, 1, 1]),
        fixed(truth, [1, 1, 2, 8]),
      ],
      param: `multibox_loss_param { num_classes: 3 neg_pos_ratio: 9 } loss_param { ${loss} }`,
    })),
  ],
  Normalize: [
    { bottoms: [[2, 3, 2]], tops: 2, param: "normalize_param { bp_norm: true }" },
    { bottoms: [[2, 3]], param: 'normalize_param { normalize_type: "L1" }' },
    { param: 'norm_param { scale_filler { type: "constant" value: 3 } }' },
    { param: "norm_param { across_spatial: false channel_shared: false }" },
    { param: "norm_param { across_spatial: false eps: 0.5 }" },
  ],
  Deconvolution3D: [
    {
      bottoms: [[1, 2, 2, 3, 3]],
      param:
        "convolution_param { num_output: 3 kernel_size: 3 kernel_depth: 2 pad: 1 temporal_pad: 1 stride: 2 temporal_stride: 2 }",
    },
  ],
  Pooling3D: [
    {
      bottoms: [[1, 1, 4, 3, 4]],
      param: "pooling_param { kernel_size: 2 kernel_depth: 2 stride: 2 temporal_stride: 2 ceil_mode: false }",
    },
    {
      bottoms: [[1, 2, 5, 4, 5]],
      param: "pooling_param { kernel_size: 2 kernel_depth: 3 stride: 2 temporal_stride: 2 }",
    },
    {
      bottoms: [[1, 2, 5, 4, 5]],
      param: "pooling_param { pool: AVE kernel_size: 3 kernel_depth: 2 stride: 2 temporal_stride: 1 pad: 1 }",
    },
  ],
  Permute: [{ param: "permute_param { order: 0 order: 2 order: 3 }" }],
  PriorBox: "gives constants",
  Proposal: "is for inference only",
  PSROIPooling: [
    { bottoms: [[2, 8, 7, 9], rois], param: "psroi_pooling_param { output_dim: 2 group_size: 2 spatial_scale: 1 }" },
  ],
  RegionLoss: "has its authors' gradient",
  ReLU6: [
    { bottoms: [within(-9, 9, odd)] },
    { bottoms: [within(-9, 9, odd)], param: "relu6_param { negative_slope: 0.2 threshold: 3 }" },
  ],
  Reorg: [
    { bottoms: [[2, 4, 4, 6]], param: "reorg_param { stride: 2 }" },
    { bottoms: [[2, 8, 2, 3]], param: "reorg_param { stride: 2 reverse: true }" },
  ],
  Resample: [
    { bottoms: [[2, 2, 5, 6]], param: "resample_param { width: 9 height: 3 type: CUBIC }" },
    { bottoms: [[2, 2, 5, 6]], param: "resample_param { width: 2 height: 3 }" },
  ],
  ROIAlign: [
    {
      bottoms: [[2, 2, 7, 9], rois],
      param: "roi_align_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.6 sampling_ratio: 2 }",
    },
    {
      bottoms: [[2, 2, 7, 9], rois],
      param: "roi_align_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.6 }",
      size: 2,
    },
  ],
  ROIPooling: [
    { bottoms: [[2, 2, 7, 9], rois], param: "roi_pooling_param { pooled_h: 2 pooled_w: 3 spatial_scale: 1 }" },
    { bottoms: [[2, 2, 7, 9], rois], param: "roi_pooling_param { pooled_h: 3 pooled_w: 1 spatial_scale: 0.7 }" },
  ],
  SELU: [{ bottoms: [within(-3, 3, odd)] }],
  SegAccuracy: "counts",
  ShuffleChannel: [{ bottoms: [[2, 6, 2, 2]], param: "shuffle_channel_param { group: 3 }" }],
  SmoothL1Loss: [
    { bottoms: [within(-4, 4, odd), odd] },
    { bottoms: [within(-4, 4, odd), odd, odd, odd], param: "smooth_l1_loss_param { sigma: 3 }" },
  ],
  SmoothL1LossOHEM: [
    { bottoms: [within(-4, 4, odd), odd, odd] },
    { bottoms: [within(-4, 4, odd), odd], param: "loss_param { normalization: BATCH_SIZE }" },
    ...divided([within(-4, 4, odd), odd]),
  ],
  SoftmaxFocalLoss: [
    { bottoms: [[5, 3], fixed([0, 2, 1, 2, 0])] },
    {
      bottoms: [[2, 3, 3], fixed([0, 2, 9, 1, 9, 0], [2, 3])],
      param:
        "softmax_param { axis: -1 } loss_param { ignore_label: 9 normalization: FULL } focal_loss_param { alpha: 2 gamma: 0.5 }",
    },
    ...divided([[2, 3, 3], fixed([0, 2, 1, 2, 0, 1], [2, 3])]),
  ],
  SoftmaxWithLossOHEM: [
    { bottoms: [[5, 3], fixed([0, 2, 1, 2, 0])] },
    {
      bottoms: [[2, 3, 3], fixed([0, 2, 9, 1, 9, 0], [2, 3])],
      param: "softmax_param { axis: -1 } loss_param { ignore_label: 9 normalization: FULL }",
    },
    ...divided([[2, 3, 3], fixed([0, 2, 1, 2, 0, 1], [2, 3])]),
  ],
  TripletLoss: [
    {
      bottoms: [
        [5, 3],
        [5, 3],
        [5, 3],
      ],
    },
    {
      bottoms: [[5, 3], [5, 3], [5, 3], fixed([1, 0.5, 2, 0, 1])],
      param: "triplet_loss_param { margin: 0.2 }",
    },
    {
      bottoms: [[5, 3], [5, 3], [5, 3], fixed([1, 0, 1, 0, 1])],
      param: "triplet_loss_param { margin: 0.2 margin: 0.9 }",
    },
  ],
  Upsample: [
    { param: "upsample_param { scale: 2 }" },
    { param: "upsample_param { scale_h: 3 scale_w: 1 }" },
    {
      bottoms: [[1, 2, 2, 3], fixed([7, 2, 11, 12, 21, 16, 0, 8, 5, 18, 20, 23], [1, 2, 2, 3])],
      param: "upsample_param { scale: 2 }",
    },
  ],
  YoloDetectionOutput: "is for inference only",
  LabelSpecificMargin: [
    {
      bottoms: [within(-0.5, 0.9, [5, 3]), fixed([0, 2, 1, 2, 0])],
      param: "label_specific_margin_param { margin_base: 9 gamma: 2 iteration: 1 power: 1.5 }",
      phase: "TRAIN",
    },
    {
      bottoms: [within(-0.5, 0.9, [5, 3]), fixed([0, 2, 1, 2, 0])],
      param: "label_specific_margin_param { margin_base: 1.4 margin_max: 1.2 type: SOFT }",
      phase: "TRAIN",
    },
  ],
  CombinedMargin: [
    {
      bottoms: [within(-0.9, 0.9, [5, 3]), fixed([0, 2, 1, 2, -1])],
      param: "combined_margin_param { m1: 0.9 m2: 0.3 m3: 0.2 }",
    },
  ],
  CompactBilinear: ["", "sum_pool: false"].map((pooled) => ({
    bottoms: [
      [2, 3, 2, 3],
      [2, 4, 2, 3],
    ],
    param: `compact_bilinear_param { num_output: 8 ${pooled} }`,
  })),
  CosinAddm: [{ bottoms: [within(-0.5, 0.9, [5, 3]), fixed([0, 2, 1, 2, 0])], param: "cosin_add_m_param { m: 0.3 }" }],
  DiceCoefLoss: [{ bottoms: [[1, 6], within(0, 1, [1, 6])] }],
  LargeMarginInnerProduct: ["SINGLE", "DOUBLE", "TRIPLE", "QUADRUPLE"].map((type) => ({
    bottoms: [[5, 4], fixed([0, 2, 1, 2, 0])],
    param: `largemargin_inner_product_param { num_output: 3 type: ${type} base: 2 gamma: 0.1 }`,
  })),
  CTCGreedyDecoder: "gives class numbers",
  CTCLoss: "has its authors' gradient",
  CtcLoss: "has its authors' gradient",
  WarpCTCLoss: "has its authors' gradient",
  Yolov3: "has its authors' gradient",
  Yolov3DetectionOutput: "is for inference only",
  CReLU: [{ bottoms: [[2, 3, 2]] }],
  DeformableConvolution: [
    {
      bottoms: [
        [1, 4, 5, 6],
        [1, 16, 3, 4],
      ],
      param:
        "deformable_convolution_param { num_output: 2 kernel_size: 2 stride: 2 pad: 1 group: 2 deformable_group: 2 }",
    },
  ],
  ModulatedDeformableConvolution: [
    {
      bottoms: [
        [1, 4, 5, 6],
        [1, 16, 3, 4],
        [1, 8, 3, 4],
      ],
      param:
        "modulated_deformable_convolution_param { num_output: 2 kernel_size: 2 stride: 2 pad: 1 group: 2 deformable_group: 2 }",
    },
  ],
  InnerDistance: [
    { bottoms: [[3, 4]], param: "inner_distance_param { num_output: 2 bias_term: true }" },
    {
      bottoms: [[2, 3, 4]],
      param: `inner_distance_param { num_output: 2 axis: 2 bias_term: true weight_filler { type: "constant" value: 1 }
        bias_filler { type: "constant" value: 1 } }`,
    },
    {
      bottoms: [
        [3, 4],
        [2, 4],
      ],
      param: 'inner_distance_param { distance_type: "L1" }',
    },
  ],
  LabelSpecificRescale: [
    {
      phase: "TRAIN",
      bottoms: [[3, 4], fixed([0, 3, 1])],
      param: "label_specific_rescale_param { positive_weight: 2 negative_weight: 0.5 bias_fix: true for_ip: true }",
    },
  ],
  Lstm: [
    { bottoms: [[6, 3]], param: "lstm_param { num_output: 2 batch_size: 2 }" },
    { bottoms: [[3, 2, 4]], param: "lstm_param { num_output: 2 clipping_threshold: 100 }" },
    { bottoms: [[6, 3], fixed([0, 0, 1, 0, 1, 1])], param: "lstm_param { num_output: 2 batch_size: 2 }" },
  ],
  Maxout: [{ bottoms: [[2, 6, 2]], param: "maxout_param { chgroup_sz: 3 }" }],
  NdConvolution: [
    {
      bottoms: [[1, 2, 3, 4, 5]],
      param:
        "convolution_param { num_output: 2 kernel_shape { dim: [2, 3, 2] } stride_shape { dim: [1, 2, 1] } pad_shape { dim: [0, 1, 0] } }",
    },
  ],
  NdPooling: [
    {
      bottoms: [[1, 2, 3, 4, 5]],
      param: "pooling_param { kernel_shape { dim: 1 dim: 2 dim: 2 } dilation: 1 dilation: 2 dilation: 3 }",
    },
    {
      bottoms: [[1, 1, 4, 3, 4]],
      param: "pooling_param { kernel_shape { dim: [2, 2, 2] } stride_shape { dim: [2, 2, 3] } round_mode: FLOOR }",
    },
    {
      bottoms: [[1, 2, 4, 4, 4]],
      param: "pooling_param { kernel_shape { dim: [1, 2, 2] } stride_shape { dim: [1, 2, 2] } }",
    },
    {
      bottoms: [[1, 2, 4, 4, 4]],
      param: "pooling_param { pool: AVE kernel_shape { dim: [2, 3, 2] } pad_shape { dim: [0, 1, 0] } }",
    },
  ],
  Reverse: [
    { param: "reverse_param { axis: 1 }" },
    { bottoms: [fixed([-2, -3, 1, 1, -1, 1, 0, -1], [4, 2]), [4, 2, 3]] },
  ],
  SpatialTransformer: [
    {
      bottoms: [
        [2, 2, 4, 5],
        [2, 6],
      ],
      param: "st_param { output_H: 3 output_W: 2 }",
    },
    {
      bottoms: [[1, 2, 4, 5], within(0.2, 0.3, [1, 2])],
      param: "st_param { theta_1_1: 0.9 theta_1_2: 0.1 theta_2_1: -0.1 theta_2_2: 0.8 }",
    },
    {
      bottoms: [[1, 2, 4, 5], within(0.7, 0.8, [1, 2])],
      param: "st_param { theta_1_2: 0.1 theta_1_3: 0.23 theta_2_1: -0.1 theta_2_3: 0.14 }",
    },
  ],
  Transpose: [{ param: "transpose_param { dim: 3 dim: 2 dim: 0 dim: 1 }" }],
  Unpooling: [
    {
      bottoms: [[1, 2, 2, 3], fixed([7, 2, 11, 12, 21, 16, 0, 8, 5, 18, 20, 23], [1, 2, 2, 3])],
      param: "unpooling_param { kernel_size: 2 stride: 2 unpool_h: 4 unpool_w: 6 }",
    },
    {
      bottoms: [[1, 2, 2, 3]],
      param: "unpooling_param { unpool: AVE kernel_size: 3 stride: 2 unpool_h: 4 unpool_w: 6 }",
    },
    { bottoms: [[1, 2, 2, 3]], param: "unpooling_param { unpool: TILE kernel_size: 2 stride: 2 unpool_size: 7 }" },
  ],
  ContinuationIndicator: "gives constants",
  SignedSqrt: [{ bottoms: [within(0.5, 2, odd)] }, { bottoms: [within(-2, -0.5, odd)] }],
  BilinearInterpolate: [
    { bottoms: [[1, 2, 3, 4]], param: "bilinear_interpolate_param { dst_h: 5 dst_w: 7 }" },
    { bottoms: [[1, 2, 3, 4]], param: "bilinear_interpolate_param { scale_factor: 2 }" },
  ],
  MaxUnPool: [
    {
      bottoms: [[1, 2, 2, 3], fixed([7, 2, 11, 12, 21, 16, 0, 8, 5, 18, 20, 23], [1, 2, 2, 3])],
      param: "max_unpool_param { dst_h: 4 dst_w: 6 }",
    },
  ],
  Pad: [
    { bottoms: [[1, 2, 3, 4]], param: "pad_param { pad_u: 1 pad_l: 2 pad_value: 3 }" },
    { bottoms: [[1, 2, 3, 4]], param: "pad_param { pad_u: -1 pad_d: -1 pad_l: -1 pad_r: -1 }" },
  ],
  PixelShuffle: [{ bottoms: [[1, 8, 2, 3]], param: "pixelshuffle_param { upscale_factor: 2 }" }],
  Unsqueeze: [{ param: "unsqueeze_param { dim: -1 }" }],
  RBM: "its gradient is contrastive divergence, which rbm.spec.ts compares with a loop's",
  ChannelScale: [
    {
      bottoms: [
        [2, 3, 2, 2],
        [2, 1, 2, 2],
      ],
    },
    { bottoms: [[4, 3], [4]] },
  ],
  DeformablePSROIPooling: [
    {
      bottoms: [[2, 16, 7, 9], rois, within(-0.4, 0.4, [4, 4, 2, 2])],
      param:
        "deformable_psroi_pooling_param { output_dim: 4 group_size: 2 spatial_scale: 0.6 sample_per_part: 2 trans_std: 0.1 }",
    },
    {
      bottoms: [[2, 8, 7, 9], rois],
      param: "deformable_psroi_pooling_param { output_dim: 2 group_size: 2 spatial_scale: 0.6 no_trans: true }",
    },
  ],
  DenseBlock: [
    { bottoms: [[2, 3, 3, 2]], param: "denseblock_param { numTransition: 1 growthRate: 2 }", phase: "TRAIN" },
    {
      bottoms: [[1, 2, 2, 3]],
      param: "denseblock_param { numTransition: 2 growthRate: 1 use_BC: true }",
      phase: "TRAIN",
    },
  ],
  ImResize: "is for inference only",
  Local: [{ bottoms: [[2, 2, 4, 5]], param: "local_param { num_output: 3 kernel_size: 3 stride: 2 pad: 1 }" }],
  LocallyConnected: [
    { bottoms: [[2, 2, 3, 4]], param: "locally_connected_param { num_output: 2 kernel_size: 2 bias_term: false }" },
    { bottoms: [[1, 1, 2, 3]], param: "locally_connected_param { num_output: 1 kernel_size: 2 }" },
  ],
  LpqLoss: [
    { bottoms: [within(0.2, 1, odd)], param: "lpq_loss_param { p: 1.5 q: 0.4 q_epsilon: 0.3 }" },
    { bottoms: [odd, odd], param: "lpq_loss_param { p: 2 q: 0.5 }" },
    {
      bottoms: [within(0.2, 1, odd)],
      param:
        "lpq_loss_param { p: 1.5 q: 0.4 p_epsilon: 0.1 l2_prescale_by_channels: true normalize_by_num_entries: true }",
    },
  ],
  MaskPooling: [{ bottoms: [odd, [3, 1, 2, 2]] }],
  MaskResize: "is for inference only",
  Nms: "is for inference only",
  PSROIAlign: [
    { bottoms: [[2, 8, 7, 9], rois], param: "psroi_pooling_param { output_dim: 2 group_size: 2 spatial_scale: 0.6 }" },
  ],
  Arccos: [{ bottoms: [within(-0.9, 0.9, odd)] }],
  Cosine: unary,
  SoftTruncation: [{ param: "soft_truncation_param { c: 1.5 }" }, {}],
  Truncation: [{ param: "truncation_param { lower_bound: -0.5 upper_bound: 0.7 }" }],
  EltwiseAffine: [
    {},
    {
      bottoms: [[3, 5]],
      param: `eltwise_affine_param { channel_shared: true slope_filler { type: "constant" value: 2 } bias_filler { type: "constant" value: 2 } }`,
    },
  ],
  IslandLoss: "has its authors' gradient of the centers",
  GeneralContrastiveLoss: "has its authors' gradient",
  RankHardLoss: "has its authors' gradient",
  RankLoss: "has its authors' gradient",
  Normalization: [{ bottoms: [[3, 5]] }, { bottoms: [[3, 5, 1, 1]] }],
  SoftmaxCrossEntropyLoss: [
    { bottoms: [[2, 3], fixed([0.2, 0.5, 0.3, 0, 1, 0], [2, 3])] },
    {
      bottoms: [[1, 2, 3], fixed([0.2, 0.5, 1, 0.8, 0.5, 0], [1, 2, 3])],
      param: "loss_param { normalization: BATCH_SIZE }",
    },
  ],
  Division: [
    { bottoms: [[2, 2, 3, 4]], tops: 2, param: "division_param { width: 2 height: 3 xcoord: [0, 2] ycoord: [0, 0] }" },
    { bottoms: [[1, 1, 4, 3]], param: "division_param { width: 1 height: 2 xcoord: 2 ycoord: 1 }" },
  ],
  Combination: [
    {
      bottoms: [
        [2, 2, 1, 2],
        [2, 2, 1, 1],
        [2, 2, 2, 3],
      ],
      param: "combination_param { xcoord: [0, 2, 0] ycoord: [0, 0, 1] }",
    },
  ],
  SPMMaxPooling: [0, 1, 2].map((type) => ({
    bottoms: [
      [5, 3],
      fixed([10, 8, 6, 9], [2, 2]),
      fixed([0, 1, 1, 3, 3, 0, 6, 1, 9, 2, 0, 1, 5, 3, 7, 1, 0, 0, 5, 8, 1, 3, 5, 5, 8], [5, 5]),
    ],
    param: `spm_param { spm_type: ${type} }`,
  })),
  SequenceAccuracy: "counts",
  TemporalDuplicate: [
    { param: "duplicate_param { num: 3 }" },
    {},
    { bottoms: [[]], param: "duplicate_param { num: 2 }" },
  ],
  SpatialDropout: [{ phase: "TRAIN" }, { phase: "TRAIN", param: "spatial_dropout_param { dropout_ratio: 0.2 }" }, {}],
  BunchOfNeurons: [{}, { param: "bunch_param { bunch_a: 2.5 bunch_b: 1.5 }" }],
  CCCP: [
    { bottoms: [[2, 4, 2, 3]], param: "cccp_param { num_output: 3 group: 2 }" },
    { bottoms: [[2, 3, 4]], param: "cccp_param { num_output: 2 biasterm: false }" },
  ],
  LocalWeightedConvolution: [
    {
      bottoms: [[2, 2, 4, 3]],
      param: "local_weighted_convolution_param { num_output: 2 kernel_size: 3 stride: 2 pad: 1 }",
    },
    {
      bottoms: [[1, 2, 3, 4]],
      param: "local_weighted_convolution_param { num_output: 2 kernel_size: 2 bias_term: false }",
    },
  ],
  MergeCrop: [
    { bottoms: [odd, [3, 2, 5, 2]], param: "mergecrop_param { backward: 1 backward: 1 }" },
    {
      bottoms: [odd, [3, 5, 4, 3]],
      param: "mergecrop_param { operation: ADD backward: 1 backward: 1 }",
    },
  ],
  MTCNNEuclideanLoss: "has its authors' gradient",
  SpatialWta: [
    { bottoms: [[2, 3, 5, 4]], param: "spatial_wta_param { kernel_size: 2 stride: 2 }" },
    { bottoms: [[2, 3, 5, 4]], param: "spatial_wta_param { kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 }" },
    { bottoms: [[2, 3, 3, 4]], param: "spatial_wta_param { global_wta: true }" },
  ],
  ConvLSTM: [
    {
      bottoms: [[2, 2, 2, 3, 2], fixed([0, 0, 1, 1], [2, 2])],
      param: `lstm_conv_param { num_output: 2 kernel_size: 3 pad: 1 } `,
    },
    {
      bottoms: [[2, 1, 2, 2, 3], fixed([1, 1], [2, 1])],
      param: `lstm_debug_param { axis_hadamard: 2 num_axes_hadamard: 1 }
        lstm_conv_param { type: "input" num_output: 2 kernel_size: 1 group: 2 }
        lstm_conv_param { type: "hidden" num_output: 2 kernel_size: 1 kernel_size: 3 pad: 0 pad: 2 dilation: 1 dilation: 2 bias_term: false }`,
    },
    {
      bottoms: [[2, 2, 1, 2, 2], fixed([0, 1, 1, 0], [2, 2])],
      param: `lstm_debug_param { disable_hadamard: true } lstm_conv_param { num_output: 1 kernel_size: 1 }`,
    },
  ],
  Hotspot: "gives maps of points, which have no gradient",
  Resize: [
    { bottoms: [[2, 2, 3, 4]], param: "resize_param { height: 5 width: 3 }" },
    {
      bottoms: [[2, 2, 3, 4]],
      param: "resize_param { is_pyramid_test: true out_height_scale: 0.7 out_width_scale: 1.6 }",
    },
  ],
  SLLSTM: [
    {
      bottoms: [[3, 2, 3], fixed([-2, -3, 1, 1, -1, 1], [3, 2]), [2, 3]],
      param: "recurrent_param { num_output: 2 }",
    },
    { bottoms: [[2, 2, 3]], param: "recurrent_param { num_output: 2 }" },
  ],
  SubRegion: [
    {
      bottoms: [[2, 2, 5, 6], fixed([1, 3, -2.2, 0.3, 0, 0, 4, 4], [2, 4]), fixed([1, 1, 1, 1, 2, 2, 2, 2], [2, 4])],
      tops: 3,
      param: "sub_region_param { region_height: 3 region_width: 2 data_height: 10 data_width: 9 as_dim: 0 }",
    },
    {
      bottoms: [[2, 2, 5, 6], fixed([1, 3, -2.2, 0.3, 0, 0, 4, 4], [2, 4]), fixed([1, 1, 1, 1, 2, 2, 2, 2], [2, 4])],
      param: "sub_region_param { region_height: 2 region_width: 3 data_height: 10 data_width: 9 }",
    },
  ],
  ROIWarping: "is for inference only",
  DenseImageData: "brings data in",
  ImageLabelmapData: "brings data in",
  ImageSegData: "brings data in",
} as const satisfies Record<keyof typeof layerTypes, readonly Case[] | string>;
