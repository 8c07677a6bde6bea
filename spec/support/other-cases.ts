import { type Bottom, type Case, odd } from "./layer-cases.js";

const given = (shape: readonly number[], values: readonly number[]): Bottom => ({ shape, given: values });

/** Uses of the types that gradients are not known of, as far as they are not in a table of their own below. */
export const otherCases: Readonly<Record<string, readonly Case[]>> = {
  ArgMax: [{}, { param: "argmax_param { axis: 1 top_k: 2 }" }],
  BoxAnnotatorOHEM: [
    {
      bottoms: [[3, 5], [3, 1, 1, 1], [3], [3, 4]],
      tops: 2,
      param: "box_annotator_ohem_param { roi_per_img: 2 }",
    },
  ],
  ImResize: [{ bottoms: [[2, 2, 5, 7]], param: "imresize_param { factor: 2 scale_gap: 0.4 }" }],
  MaskResize: [{ bottoms: [[2, 1, 3, 4]], param: "mask_resize_param { output_height: 5 output_width: 2 }" }],
  Nms: [{ bottoms: [[1, 2, 6, 7]], param: "nms_param { threshold: -0.5 max_peaks: 4 num_parts: 2 }" }],
  MTCNNEuclideanLoss: [
    {
      bottoms: [
        [3, 4],
        [3, 4],
      ],
    },
  ],
  Hotspot: [
    {
      bottoms: [given([2, 4], [1, 2, -3, 0.5, 0, 0, 2, -2])],
      param: "hotspot_param { output_height: 6 output_width: 5 data_height: 10 data_width: 12 }",
    },
  ],
  IslandLoss: [
    {
      bottoms: [[2, 3, 2], given([6], [0, 1, 0, 2, 1, 1])],
      param: `island_loss_param { num_output: 3 axis: 2 lambda: 0.4 center_filler { type: "constant" value: 1 } }`,
    },
  ],
  GeneralContrastiveLoss: [
    { bottoms: [[4, 3], given([4], [0, 2, 1, 1])] },
    {
      bottoms: [{ shape: [4, 3], from: 0.1, to: 1.9 }, given([4], [0, 2, 1, 1])],
      param: `general_contrastive_loss_param { positive_margin: 0.2 negative_margin: 1.4 positive_weight: 0.7 negative_weight: 1.3
        normalize_negative: 0.4 positive_outlier_thresh: 0.6 }`,
    },
  ],
  RankHardLoss: [
    {
      bottoms: [[8, 3], given([8], [0, 0, 1, 1, 2, 2, 3, 3])],
      param: "rank_param { neg_num: 3 pair_size: 2 hard_ratio: 0.7 rand_ratio: 0.4 margin: 1 }",
    },
  ],
  TripletLoss: [
    {
      bottoms: [
        [5, 3],
        [5, 3],
        [5, 3],
      ],
      tops: 2,
      param: "loss_weight: 1 loss_weight: 0 triplet_loss_param { margin: 0.4 intriplet_mining: true }",
    },
  ],
  RankLoss: [{ bottoms: [[4], given([4], [1, 0, 2, 3])] }],
  ROIWarping: [
    {
      bottoms: [[2, 2, 5, 6], given([2, 5], [0, 1, 1, 4, 3, 1, 0, 2, 5, 4])],
      param: "roi_warping_param { pooled_h: 2 pooled_w: 3 }",
    },
  ],
  RBM: [{ bottoms: [[3, 4]], param: "rbm_param { num_output: 2 }" }],
  CTCGreedyDecoder: [{ bottoms: [[3, 2, 4], given([3, 2], [0, 0, 1, 1, 1, 1])] }],
  CTCLoss: [{ bottoms: [[3, 2, 4], given([3, 2], [0, 0, 1, 1, 1, 1]), given([3, 2], [1, 0, -1, 2, -1, -1])] }],
  CtcLoss: [{ bottoms: [[3, 2, 4], given([2, 1], [1, 2])], param: "ctc_loss_param { alphabet_size: 4 time_step: 3 }" }],
  WarpCTCLoss: [{ bottoms: [[3, 2, 4], given([2, 1], [1, 2])] }],
  RegionLoss: [
    {
      bottoms: [[1, 16, 2, 2], given([1, 5], [1, 0.3, 0.6, 0.4, 0.5])],
      param: "region_loss_param { side: 2 num_class: 3 num: 2 biases: 1 biases: 1 biases: 2 biases: 2 }",
    },
  ],
  Yolov3: [
    {
      bottoms: [[1, 16, 2, 2], given([1, 5], [1, 0.3, 0.6, 0.4, 0.5])],
      param: `yolov3_param { side: 2 num_class: 3 num: 2 biases: 9 biases: 9 biases: 20 biases: 20 mask: 0 mask: 1 anchors_scale: 32 }`,
    },
  ],
  CenterLoss: [{ bottoms: [[3, 4], given([3], [0, 1, 0])], param: "center_loss_param { num_output: 2 }" }],
  DiceLoss: [{ bottoms: [[2, 3, 4], given([2, 4], [0, 1, 2, 1, 0, 0, 1, 2])] }],
  DetectionOutput: [
    {
      bottoms: [[1, 8], [1, 4], given([2, 5], [0, 1, 2, 15, 14, 0, 8, 6, 30, 20])],
      param: `detection_output_param { num_classes: 2 code_type: CENTER_SIZE variance_encoded_in_target: true normalized: false input_width: 40
        input_height: 30 confidence_threshold: -1 }`,
      size: 2,
    },
    {
      bottoms: [[1, 8], [1, 4], given([1, 2, 8], [0, 0, 0.5, 0.5, 0.2, 0.2, 0.9, 0.9, 1, 1, 1, 1, 1, 1, 1, 1])],
      param: "detection_output_param { num_classes: 2 confidence_threshold: -1 }",
    },
  ],
  MarginInnerProduct: [
    {
      bottoms: [[3, 4], given([3], [0, 1, 0])],
      param: "margin_inner_product_param { num_output: 2 type: QUADRUPLE }",
    },
  ],
  PriorBox: [
    { bottoms: [odd, [3, 1, 20, 30]], param: "prior_box_param { min_size: 4 }" },
    { bottoms: [odd, [3, 1, 20, 30]], param: "prior_box_param { fixed_size: 9 density: 2 }" },
  ],
  Proposal: [{ bottoms: [[1, 18, 3, 4], [1, 36, 3, 4], given([1, 3], [48, 64, 1])] }],
  ContinuationIndicator: [{ bottoms: [], param: "continuation_indicator_param { time_step: 3 batch_size: 2 }" }],
  Python: [
    {
      bottoms: [[1, 18, 3, 4], [1, 36, 3, 4], given([1, 3], [48, 64, 1])],
      param: `python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: "'feat_stride': 16" }`,
    },
  ],
  Threshold: [{ param: "threshold_param { threshold: 0.25 }" }],
  YoloDetectionOutput: [
    {
      bottoms: [[1, 16, 2, 2]],
      param:
        "yolo_detection_output_param { num_classes: 3 num_box: 2 biases: 1 biases: 1 biases: 2 biases: 2 confidence_threshold: 0.1 }",
    },
  ],
  Yolov3DetectionOutput: [
    {
      bottoms: [[1, 16, 2, 2]],
      param: `yolov3_detection_output_param { num_classes: 3 num_box: 2 biases: 9 biases: 9 biases: 20 biases: 20 mask: 0 mask: 1
        mask_group_num: 1 anchors_scale: 32 confidence_threshold: 0.1 }`,
    },
  ],
};
