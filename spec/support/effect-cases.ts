import { type Bottom, type Case, odd } from "./layer-cases.js";

const given = (shape: readonly number[], values: readonly number[]): Bottom => ({ shape, given: values });
/** Numbers about a middle. */
const wave = (shape: readonly number[], middle = 0, size = 1): Bottom =>
  given(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => middle + size * Math.sin(5 * i + 1)),
  );

const anchors = given(
  [1, 2, 24],
  [
    ...[0, 1, 2, 3, 4, 5].flatMap((i) => [0.1 * i, 0.08 * i, 0.1 * i + 0.35, 0.08 * i + 0.4]),
    ...Array.from({ length: 24 }, (_, i) => 0.1 + 0.05 * (i % 4)),
  ],
);
const labels = given([5], [0, 2, 1, 2, 0]);
const ofRegion = [wave([1, 32, 2, 2]), given([1, 10], [1, 0.3, 0.6, 0.4, 0.5, 2, 0.7, 0.3, 0.9, 0.3])];
const time = given([3, 2], [0, 0, 1, 1, 1, 1]);
const words = given([3, 2], [1, 0, 1, 2, -1, -1]);
const filler = (name: string, value: number) => `${name} { type: "constant" value: ${value} }`;

/** Boxes of two images. */
const boxes = given(
  [1, 1, 3, 8],
  [
    [0, 1, 0, 0.02, 0.05, 0.4, 0.5, 0],
    [0, 2, 0, 0.3, 0.25, 0.75, 0.65, 1],
    [1, 2, 0, 0.45, 0.4, 0.97, 0.85, 0],
  ].flat(),
);
/** Settings of MultiBoxLossParameter. */
const MULTIBOX = [
  "overlap_threshold: 0.2 neg_pos_ratio: 1 loc_loss_type: L2 loc_weight: 0.3 use_difficult_gt: false",
  "use_prior_for_matching: false code_type: CENTER_SIZE overlap_threshold: 0.1 bp_inside: true neg_overlap: 0.05",
  "encode_variance_in_target: true overlap_threshold: 0.1 match_type: BIPARTITE mining_type: HARD_EXAMPLE sample_size: 3",
  "ignore_cross_boundary_bbox: true overlap_threshold: 0.1 neg_pos_ratio: 9 use_prior_for_matching: false code_type: CENTER_SIZE",
  "nms_param { nms_threshold: 0.1 } use_prior_for_nms: true overlap_threshold: 0.1 neg_overlap: 0.9",
  "do_neg_mining: false overlap_threshold: 0.2",
];

/** Uses that set what neither the cases with gradients nor those above set, to show that each setting changes what is computed. */
export const effectCases: Readonly<Record<string, readonly Case[]>> = {
  Bias: [{ param: "bias_param { channel_shared: true }" }],
  Accuracy: ["axis: 2", "axis: 2 denominator: 7", "axis: 2 min_is_better: true"].map((param) => ({
    bottoms: [wave([2, 2, 3]), given([2, 2], [0, 2, 0, 1])],
    param: `accuracy_param { ${param} }`,
  })),
  SoftmaxWithLoss: [{ bottoms: [[5, 3], labels], param: "loss_param { label_smoothing: 0.1 }" }],
  CCCP: [
    { bottoms: [odd], param: `cccp_param { num_output: 4 ${filler("weight_filler", 2)} ${filler("bias_filler", 2)} }` },
  ],
  ChannelScale: ["do_forward", "do_backward_feature", "do_backward_scale"].map((name) => ({
    bottoms: [
      [2, 3, 2, 2],
      [2, 1, 2, 2],
    ],
    param: `channel_scale_param { ${name}: false }`,
  })),
  Correlation1D: ["stride_1: 2 stride_2: 2"].map((param) => ({
    bottoms: [
      [2, 3, 4, 6],
      [2, 3, 4, 6],
    ],
    param: `correlation_param { pad: 2 kernel_size: 1 max_displacement: 2 ${param} }`,
  })),
  DeformablePSROIPooling: [
    {
      bottoms: [[2, 16, 7, 9], given([2, 5], [0, 0, 0, 5, 4, 1, 1, 2, 7, 6]), wave([2, 4, 3, 3], 0, 0.4)],
      param: `deformable_psroi_pooling_param { output_dim: 4 group_size: 2 part_size: 3 spatial_scale: 0.6 sample_per_part: 2 trans_std: 0.1 }`,
    },
  ],
  DenseBlock: [
    {
      bottoms: [[2, 3, 3, 2]],
      param: `denseblock_param { numTransition: 1 growthRate: 2 use_dropout: true dropout_amount: 0.4 moving_average_fraction: 0.3
        ${filler("Filter_Filler", 2)} ${filler("BN_Scaler_Filler", 2)} ${filler("BN_Bias_Filler", 2)} }`,
      phase: "TRAIN",
    },
  ],
  Dropout: [
    { phase: "TRAIN", param: "dropout_param { scale_train: false }" },
    { param: "dropout_param { sample_weights_test: true }" },
  ],
  FlowWarp: [
    { bottoms: [[2, 3, 4, 5], wave([2, 2, 4, 5], 0, 4)], param: "flow_warp_param { fill_value: NOT_A_NUMBER }" },
  ],
  InnerDistance: [{ bottoms: [[3, 4]], param: "inner_distance_param { num_output: 2 normalize: true }" }],
  InnerProduct: [{ bottoms: [[3, 4]], param: "inner_product_param { num_output: 2 normalize: true }" }],
  LabelSpecificRescale: [
    {
      bottoms: [wave([5, 3]), labels],
      param: "label_specific_rescale_param { positive_weight: 2 rescale_test: true }",
    },
  ],
  Local: [
    {
      bottoms: [[2, 2, 4, 5]],
      param: `local_param { num_output: 3 kernel_size: 3 ${filler("weight_filler", 2)} ${filler("bias_filler", 2)} }`,
    },
    { bottoms: [[2, 2, 4, 5]], param: "local_param { num_output: 3 kernel_size: 3 bias_term: false }" },
  ],
  LocallyConnected: [
    {
      bottoms: [[2, 2, 3, 4]],
      param: `locally_connected_param { num_output: 2 kernel_size: 2 pad: 1 stride: 2 ${filler("weight_filler", 2)}
        ${filler("bias_filler", 2)} }`,
    },
  ],
  LocalWeightedConvolution: [
    {
      bottoms: [[2, 2, 4, 3]],
      param: `local_weighted_convolution_param { num_output: 2 kernel_size: 3 ${filler("weight_filler", 2)} ${filler("bias_filler", 2)} }`,
    },
  ],
  Lstm: [
    {
      bottoms: [[4, 3]],
      param: `lstm_param { num_output: 2 batch_size: 2 ${filler("weight_filler", 2)} ${filler("bias_filler", 2)} clipping_threshold: 0.01 }`,
    },
  ],
  MultiBoxFocalLoss: MULTIBOX.map((param) => ({
    bottoms: [wave([2, 24]), wave([2, 18]), anchors, boxes],
    param: `multibox_loss_param { num_classes: 3 ${param} } focal_loss_param { gamma: 1 }`,
  })),
  Parameter: [{ bottoms: [], param: `parameter_param { shape { dim: 3 } ${filler("blob_filler", 2)} }` }],
  RBM: [
    {
      bottoms: [wave([3, 4])],
      param: `rbm_param { num_output: 2 visible: GAUSSIAN hidden: GAUSSIAN ${filler("weight_filler", 2)} ${filler("bias_filler", 2)}
        ${filler("visible_bias_filler", 2)} }`,
      phase: "TRAIN",
    },
    {
      bottoms: [wave([3, 4], 0.5, 0.5)],
      param: "rbm_param { num_output: 2 cd_steps: 3 persistent: true }",
      phase: "TRAIN",
    },
  ],
  SpatialDropout: [{ param: "spatial_dropout_param { sample_weights_test: true }" }],
  Concat: [
    {
      bottoms: [
        [2, 3, 4],
        [2, 3, 4],
      ],
      param: "concat_param { concat_dim: 2 }",
    },
  ],
  MergeCrop: [
    {
      bottoms: [odd, [3, 5, 4, 3]],
      param: "mergecrop_param { operation: ADD forward: 1 forward: 0 backward: 0 backward: 1 }",
    },
  ],
  MTCNNEuclideanLoss: [
    { bottoms: [wave([3, 4]), wave([3, 4], 0.3), given([3], [0, -1, 1])], param: "loss_param { ignore_label: -1 }" },
  ],
  Resample: [{ bottoms: [[2, 2, 5, 6]], param: "resample_param { width: 2 height: 3 antialias: false }" }],
  SigmoidCrossEntropyLoss: [{ bottoms: [[5, 3], wave([5, 3], 0.5, 0.5)], param: "loss_param { normalize: true }" }],
  SoftmaxCrossEntropyLoss: [
    "softmax_param { axis: 2 }",
    "loss_param { normalize: false }",
    "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 7 }",
  ].map((param) => ({ bottoms: [[2, 3, 3], wave([2, 3, 3], 0.5, 0.5)], param })),
  Slice: [{ bottoms: [[2, 3, 4]], tops: 2, param: "slice_param { slice_dim: 2 }" }],
  SpatialTransformer: [
    {
      bottoms: [
        [2, 2, 4, 5],
        [2, 6],
      ],
      param: "st_param { output_H: 3 output_W: 2 to_compute_dU: false }",
    },
  ],
  Unpooling: [
    {
      bottoms: [[1, 2, 2, 3]],
      param: "unpooling_param { unpool: AVE kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 unpool_h: 5 unpool_w: 4 }",
    },
  ],
  Upsample: [
    {
      bottoms: [[1, 2, 2, 3], given([1, 2, 2, 3], [7, 2, 11, 12, 13, 14, 0, 8, 5, 10, 9, 3])],
      param: "upsample_param { scale: 2 pad_out_h: true pad_out_w: true }",
    },
    {
      bottoms: [[1, 2, 2, 3], given([1, 2, 2, 3], [7, 2, 11, 12, 21, 16, 0, 8, 5, 18, 20, 23])],
      param: "upsample_param { upsample_h: 5 upsample_w: 7 }",
    },
    { bottoms: [[1, 2, 2, 3]], param: "upsample_param { scale: 3 }" },
    { bottoms: [[1, 2, 2, 3]], param: "upsample_param { stride: 3 }" },
    { bottoms: [[1, 2, 2, 3]], param: "upsample_param { stride_h: 3 stride_w: 1 }" },
  ],
  BoxAnnotatorOHEM: [
    {
      bottoms: [given([4, 5], Array(20).fill(0)), wave([4, 1, 1, 1]), given([4], [0, 1, 2, 1]), wave([4, 4], 1, 0.5)],
      tops: 2,
      param: "box_annotator_ohem_param { roi_per_img: 2 ignore_label: 7 }",
    },
  ],
  CenterLoss: [
    {
      bottoms: [wave([2, 3, 2]), given([6], [0, 1, 0, 2, 1, 1])],
      param: `center_loss_param { num_output: 3 axis: 2 ${filler("center_filler", 1)} }`,
    },
  ],
  ContinuationIndicator: [{ bottoms: [], param: "continuation_indicator_param { time_step: 3 batch_size: 2 }" }],
  CTCGreedyDecoder: [
    { bottoms: [wave([3, 2, 4]), time], param: "ctc_decoder_param { blank_index: 1 }" },
    {
      bottoms: [given([3, 1, 3], [0, 1, 0, 0, 1, 0, 1, 0, 0]), given([3, 1], [0, 1, 1])],
      param: "ctc_decoder_param { ctc_merge_repeated: false }",
    },
  ],
  CTCLoss: [
    { bottoms: [wave([3, 2, 4]), time, words], param: "ctc_loss_param { blank_index: 3 }" },
    {
      bottoms: [wave([3, 2, 4], 0.5, 0.4), given([2, 2], [1, 2, 2, 1])],
      param: "ctc_param { blank_index: 0 already_softmax: true nct_axis: 1 nct_axis: 2 }",
    },
  ],
  CtcLoss: [
    {
      bottoms: [wave([3, 2, 4]), given([2, 1], [1, 2])],
      param: "ctc_loss_param { alphabet_size: 4 time_step: 3 blank_label: 3 }",
    },
  ],
  DetectionEvaluate: [
    {
      bottoms: [
        given([1, 1, 3, 7], [0, 1, 0.9, 0.1, 0.1, 0.4, 0.4, 0, 2, 0.8, 0.5, 0.5, 0.9, 0.8, 0, 0, 0.7, 0, 0, 1, 1]),
        given([1, 1, 3, 8], [0, 1, 0, 0.1, 0.1, 0.35, 0.3, 0, 0, 2, 0, 0.5, 0.5, 0.9, 0.9, 1, 0, 0, 0, 0, 0, 1, 1, 0]),
      ],
      param:
        "detection_evaluate_param { num_classes: 3 background_label_id: 1 overlap_threshold: 0.9 evaluate_difficult_gt: false }",
    },
  ],
  DetectionOutput: [
    {
      bottoms: [wave([2, 24]), wave([2, 24], 0.5, 0.5), anchors],
      param: `detection_output_param { num_classes: 4 code_type: CENTER_SIZE keep_top_k: 5 confidence_threshold: 0.3 background_label_id: 1
        variance_encoded_in_target: true nms_param { nms_threshold: 0.02 top_k: 2 } }`,
      size: 10,
    },
    {
      bottoms: [wave([2, 24]), wave([2, 24], 0.5, 0.5), anchors],
      param: "detection_output_param { num_classes: 4 keep_top_k: 3 }",
      size: 6,
    },
    {
      bottoms: [wave([2, 96]), wave([2, 24], 0.5, 0.5), anchors],
      param: "detection_output_param { num_classes: 4 share_location: false }",
      size: 20,
    },
    {
      bottoms: [wave([2, 24]), wave([2, 24], 0.5, 0.5), anchors, wave([2, 12], 0.5, 0.5), wave([2, 24], 0, 0.2)],
      param: "detection_output_param { num_classes: 4 objectness_score: 0.6 confidence_threshold: 0.1 }",
      size: 20,
    },
  ],
  ImResize: [
    { bottoms: [wave([2, 2, 5, 7])], param: "imresize_param { factor: 2 start_scale: 0.8 scale_gap: 0.4 }" },
    { bottoms: [wave([2, 2, 5, 7])], param: "imresize_param { target_spatial_width: 9 target_spatial_height: 6 }" },
  ],
  Hotspot: ["gaussian_std: 2", "mean_removed: false"].map((param) => ({
    bottoms: [wave([2, 4], 1, 3)],
    param: `hotspot_param { output_height: 6 output_width: 5 data_height: 10 data_width: 12 ${param} }`,
  })),
  InfogainLoss: [
    {
      bottoms: [wave([2, 2, 3]), given([2, 2], [0, 2, 9, 1]), wave([1, 1, 3, 3], 1, 0.5)],
      param: "infogain_loss_param { axis: 2 } loss_param { ignore_label: 9 normalization: FULL }",
    },
    {
      bottoms: [wave([5, 3]), labels, wave([1, 1, 3, 3], 1, 0.5)],
      param: "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 7 }",
    },
  ],
  LabelSpecificMargin: [
    {
      bottoms: [[5, 3], labels],
      param: "label_specific_margin_param { margin_base: 1.4 gamma: 0 type: SOFT pass_bp: true }",
      phase: "TRAIN",
    },
  ],
  LargeMarginInnerProduct: [
    {
      bottoms: [wave([2, 2, 4]), given([2, 2], [0, 2, 1, 2])],
      param: `largemargin_inner_product_param { num_output: 3 axis: 2 type: DOUBLE base: 3 gamma: 0.5 power: 2 iteration: 3 lambda_min: 0.1
        ${filler("weight_filler", 0.2)} }`,
    },
    {
      bottoms: [wave([5, 4]), labels],
      param: "largemargin_inner_product_param { num_output: 3 type: TRIPLE base: 3 gamma: 2 lambda_min: 2 }",
    },
  ],
  MarginInnerProduct: [
    {
      bottoms: [wave([2, 2, 4]), given([2, 2], [0, 2, 1, 2])],
      param: `margin_inner_product_param { num_output: 3 axis: 2 type: DOUBLE base: 3 gamma: 0.5 power: 2 iteration: 3
        ${filler("weight_filler", 0.2)} }`,
    },
    {
      bottoms: [wave([5, 4]), labels],
      param: "margin_inner_product_param { num_output: 3 type: TRIPLE base: 3 gamma: 2 lambda_min: 2 }",
    },
  ],
  MaskResize: [{ bottoms: [wave([2, 1, 3, 4])], param: "mask_resize_param { output_height: 5 output_width: 2 }" }],
  Nms: [
    { bottoms: [wave([1, 2, 6, 7])], param: "nms_param { threshold: -0.5 max_peaks: 3 num_parts: 2 }" },
    { bottoms: [wave([1, 2, 6, 7], 0, 0.4)], param: "nms_param { threshold: 0.1 num_parts: 2 }" },
  ],
  PriorBox: [
    {
      bottoms: [odd, [3, 1, 20, 30]],
      param: `prior_box_param { min_size: 4 max_size: 9 aspect_ratio: 2 flip: false clip: true variance: 0.3 img_h: 30 img_w: 40 step_h: 3
        step_w: 5 offset: 0.2 }`,
    },
    { bottoms: [odd, [3, 1, 20, 30]], param: "prior_box_param { min_size: 4 img_size: 16 step: 6 }" },
    { bottoms: [odd, [3, 1, 20, 30]], param: "prior_box_param { fixed_size: 9 density: 2 fixed_ratio: 2 }" },
  ],
  Proposal: [
    {
      bottoms: [wave([1, 16, 4, 5], 0.5, 0.5), wave([1, 32, 4, 5], 0, 0.3), given([1, 3], [64, 80, 1])],
      param: `proposal_param { feat_stride: 12 base_size: 8 ratio: 0.5 ratio: 2 scale: 2 scale: 4 scale: 6 scale: 8 pre_nms_topn: 60
        post_nms_topn: 4 }`,
      size: 4,
    },
    {
      bottoms: [wave([1, 18, 4, 5], 0.5, 0.5), wave([1, 36, 4, 5], 0, 0.3), given([1, 3], [64, 80, 1])],
      param: "proposal_param { pre_nms_topn: 3 }",
      size: 3,
    },
    ...["min_size: 60", "nms_thresh: 0.2"].map((param) => ({
      bottoms: [wave([1, 18, 4, 5], 0.5, 0.5), wave([1, 36, 4, 5], 0, 0.3), given([1, 3], [64, 80, 1])],
      param: `proposal_param { ${param} }`,
      size: 20,
    })),
  ],
  RankLoss: [{ bottoms: [wave([4]), given([4], [1, 0, 2, 3])], param: "rank_loss_param { allpairs: true }" }],
  RegionLoss: [
    {
      bottoms: ofRegion,
      param: `region_loss_param { side: 2 num_class: 3 num: 4 biases: 1 biases: 1 biases: 2 biases: 2 biases: 0.5 biases: 1 biases: 1
        biases: 0.5 bias_match: 0 rescore: 0 object_scale: 3 class_scale: 2 noobject_scale: 0.7 coord_scale: 2 thresh: 0.6 }`,
    },
  ],
  ROIWarping: [
    {
      bottoms: [wave([2, 2, 5, 6]), given([2, 5], [0, 1, 1, 4, 3, 1, 0, 2, 5, 4])],
      param: "roi_warping_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.7 }",
    },
  ],
  SegAccuracy: [
    {
      bottoms: [wave([1, 3, 2, 2]), given([1, 1, 2, 2], [0, 1, 255, 2])],
      param: "seg_accuracy_param { ignore_label: 255 }",
    },
    { bottoms: [wave([1, 3, 2, 2]), given([1, 1, 2, 2], [0, 1, 1, 2])], param: "seg_accuracy_param { reset: false }" },
  ],
  WarpCTCLoss: [{ bottoms: [wave([3, 2, 4]), given([2, 1], [1, 2])], param: "ctc_loss_param { blank_index: 3 }" }],
  YoloDetectionOutput: [
    {
      bottoms: [wave([1, 16, 2, 2])],
      param: `yolo_detection_output_param { num_classes: 3 num_box: 2 biases: 1 biases: 1 biases: 2 biases: 2 confidence_threshold: 0.3
        nms_threshold: 0.1 side: 2 coords: 4 }`,
      size: 3,
    },
  ],
  Yolov3: [
    {
      bottoms: ofRegion,
      param: `yolov3_param { side: 2 num_class: 3 num: 4 biases: 9 biases: 9 biases: 20 biases: 20 biases: 12 biases: 30 biases: 30 biases: 12
        mask: 0 mask: 1 mask: 2 mask: 3 anchors_scale: 16 object_scale: 3 class_scale: 2 noobject_scale: 0.7 coord_scale: 2 thresh: 0.6 use_logic_gradient: true }`,
    },
  ],
  Yolov3DetectionOutput: [
    ...["confidence_threshold: 0.7", "nms_threshold: 0.01"].map((param) => ({
      bottoms: [wave([1, 16, 2, 2], 1, 1)],
      param: `yolov3_detection_output_param { num_classes: 3 num_box: 2 biases: 9 biases: 9 biases: 40 biases: 60 mask: 0 mask: 1
        mask_group_num: 1 anchors_scale: 32 ${param} }`,
      size: 3,
    })),
  ],
};
