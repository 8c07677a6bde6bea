const conv = (name: string, bottom: string, outputs: number, more = "pad: 1 kernel_size: 3", std = "") => `
  layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}" param { lr_mult: 1 } param { lr_mult: 2 }
    convolution_param { num_output: ${outputs} ${more} weight_filler { ${std || 'type: "msra"'} } } }`;
const relu = (name: string) => `layer { name: "${name}/relu" type: "ReLU" bottom: "${name}" top: "${name}" }`;
const pool = (name: string, bottom: string) =>
  `layer { name: "${name}" type: "Pooling" bottom: "${bottom}" top: "${name}" pooling_param { kernel_size: 2 stride: 2 } }`;
const python = (
  name: string,
  module: string,
  layer: string,
  bottoms: readonly string[],
  tops: readonly string[],
  text: string,
) => `
  layer { name: "${name}" type: "Python" ${bottoms.map((each) => `bottom: "${each}"`).join(" ")} ${tops.map((each) => `top: "${each}"`).join(" ")}
    python_param { module: "${module}" layer: "${layer}" param_str: "${text}" } }`;
const SMALL = 'type: "gaussian" std: 0.01';
const [CLASSES, ANCHORS] = [4, 6];
const ANCHOR_TEXT = "'feat_stride': 8, 'scales': [1, 2]";

/** Image, boxes, a few convolutions to a map of every 8th pixel, and the region proposal network with its losses. */
const BASE = `
  ${python("input-data", "roi_data_layer.layer", "RoIDataLayer", [], ["data", "im_info", "gt_boxes"], `'num_classes': ${CLASSES}, 'scales': [64], 'pixel_means': [127, 127, 127]`)}
  layer { name: "scaled" type: "Power" bottom: "data" top: "scaled" power_param { scale: 0.0078125 } }
  ${conv("c1", "scaled", 16)} ${relu("c1")} ${pool("p1", "c1")} ${conv("c2", "p1", 32)} ${relu("c2")} ${pool("p2", "c2")}
  ${conv("c3", "p2", 48)} ${relu("c3")} ${pool("p3", "c3")} ${conv("c4", "p3", 64)} ${relu("c4")}
  ${conv("rpn", "c4", 64)} ${relu("rpn")}
  ${conv("rpn_cls_score", "rpn", 2 * ANCHORS, "kernel_size: 1", SMALL)} ${conv("rpn_bbox_pred", "rpn", 4 * ANCHORS, "kernel_size: 1", SMALL)}
  layer { name: "rpn_cls_score_reshape" type: "Reshape" bottom: "rpn_cls_score" top: "rpn_cls_score_reshape" reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 0 } } }
  ${python("rpn-data", "rpn.anchor_target_layer", "AnchorTargetLayer", ["rpn_cls_score", "gt_boxes", "im_info", "data"], ["rpn_labels", "rpn_bbox_targets", "rpn_bbox_inside_weights", "rpn_bbox_outside_weights"], ANCHOR_TEXT)}
  layer { name: "rpn_loss_cls" type: "SoftmaxWithLoss" bottom: "rpn_cls_score_reshape" bottom: "rpn_labels" top: "rpn_cls_loss" propagate_down: true propagate_down: false
    loss_weight: 1 loss_param { ignore_label: -1 normalize: true } }
  layer { name: "rpn_loss_bbox" type: "SmoothL1Loss" bottom: "rpn_bbox_pred" bottom: "rpn_bbox_targets" bottom: "rpn_bbox_inside_weights" bottom: "rpn_bbox_outside_weights"
    top: "rpn_loss_bbox" loss_weight: 1 smooth_l1_loss_param { sigma: 3 } }
  layer { name: "rpn_cls_prob" type: "Softmax" bottom: "rpn_cls_score_reshape" top: "rpn_cls_prob" }
  layer { name: "rpn_cls_prob_reshape" type: "Reshape" bottom: "rpn_cls_prob" top: "rpn_cls_prob_reshape" reshape_param { shape { dim: 0 dim: ${2 * ANCHORS} dim: -1 dim: 0 } } }
  ${python("proposal", "rpn.proposal_layer", "ProposalLayer", ["rpn_cls_prob_reshape", "rpn_bbox_pred", "im_info"], ["rpn_rois"], ANCHOR_TEXT)}`;

const target = (text: string) =>
  python(
    "roi-data",
    "rpn.proposal_target_layer",
    "ProposalTargetLayer",
    ["rpn_rois", "gt_boxes"],
    ["rois", "labels", "bbox_targets", "bbox_inside_weights", "bbox_outside_weights"],
    text,
  );

/** Faster R-CNN end to end, small, on netrun:shapes. */
export const FASTER_RCNN = `${BASE} ${target(`'num_classes': ${CLASSES}`)}
  layer { name: "roi_pool" type: "ROIPooling" bottom: "c4" bottom: "rois" top: "roi_pool" roi_pooling_param { pooled_w: 4 pooled_h: 4 spatial_scale: 0.125 } }
  layer { name: "fc" type: "InnerProduct" bottom: "roi_pool" top: "fc" inner_product_param { num_output: 64 weight_filler { type: "xavier" } } } ${relu("fc")}
  layer { name: "cls_score" type: "InnerProduct" bottom: "fc" top: "cls_score" inner_product_param { num_output: ${CLASSES} weight_filler { ${SMALL} } } }
  layer { name: "bbox_pred" type: "InnerProduct" bottom: "fc" top: "bbox_pred" inner_product_param { num_output: ${4 * CLASSES} weight_filler { ${SMALL} } } }
  layer { name: "loss_cls" type: "SoftmaxWithLoss" bottom: "cls_score" bottom: "labels" top: "loss_cls" propagate_down: true propagate_down: false loss_weight: 1 }
  layer { name: "loss_bbox" type: "SmoothL1Loss" bottom: "bbox_pred" bottom: "bbox_targets" bottom: "bbox_inside_weights" bottom: "bbox_outside_weights" top: "loss_bbox" loss_weight: 1 }`;

/** R-FCN with its losses of the hardest boxes, small, on netrun:shapes: boxes of two classes, the second for every object. */
export const RFCN = `${BASE} ${target("'num_classes': 2, 'batch_size': -1")}
  ${conv("rfcn_cls", "c4", 9 * CLASSES, "kernel_size: 1")} ${conv("rfcn_bbox", "c4", 9 * 8, "kernel_size: 1")}
  layer { name: "psroi_cls" type: "PSROIPooling" bottom: "rfcn_cls" bottom: "rois" top: "psroi_cls" psroi_pooling_param { spatial_scale: 0.125 output_dim: ${CLASSES} group_size: 3 } }
  layer { name: "psroi_loc" type: "PSROIPooling" bottom: "rfcn_bbox" bottom: "rois" top: "psroi_loc" psroi_pooling_param { spatial_scale: 0.125 output_dim: 8 group_size: 3 } }
  layer { name: "cls_score" type: "Pooling" bottom: "psroi_cls" top: "cls_score" pooling_param { pool: AVE kernel_size: 3 stride: 3 } }
  layer { name: "bbox_pred" type: "Pooling" bottom: "psroi_loc" top: "bbox_pred" pooling_param { pool: AVE kernel_size: 3 stride: 3 } }
  layer { name: "per_roi_loss_cls" type: "SoftmaxWithLossOHEM" bottom: "cls_score" bottom: "labels" top: "temp_loss_cls" top: "temp_prob_cls" top: "per_roi_loss_cls"
    loss_weight: 0 loss_weight: 0 loss_weight: 0 propagate_down: false propagate_down: false }
  layer { name: "per_roi_loss_bbox" type: "SmoothL1LossOHEM" bottom: "bbox_pred" bottom: "bbox_targets" bottom: "bbox_inside_weights" top: "temp_loss_bbox" top: "per_roi_loss_bbox"
    loss_weight: 0 loss_weight: 0 propagate_down: false propagate_down: false propagate_down: false }
  layer { name: "per_roi_loss" type: "Eltwise" bottom: "per_roi_loss_cls" bottom: "per_roi_loss_bbox" top: "per_roi_loss" propagate_down: false propagate_down: false }
  layer { name: "annotator" type: "BoxAnnotatorOHEM" bottom: "rois" bottom: "per_roi_loss" bottom: "labels" bottom: "bbox_inside_weights" top: "labels_ohem" top: "bbox_loss_weights_ohem"
    propagate_down: false propagate_down: false propagate_down: false propagate_down: false box_annotator_ohem_param { roi_per_img: 64 ignore_label: -1 } }
  layer { name: "silence" type: "Silence" bottom: "bbox_outside_weights" bottom: "temp_loss_cls" bottom: "temp_prob_cls" bottom: "temp_loss_bbox" }
  layer { name: "loss_cls" type: "SoftmaxWithLoss" bottom: "cls_score" bottom: "labels_ohem" top: "loss_cls" loss_weight: 1 loss_param { ignore_label: -1 } propagate_down: true propagate_down: false }
  layer { name: "loss_bbox" type: "SmoothL1LossOHEM" bottom: "bbox_pred" bottom: "bbox_targets" bottom: "bbox_loss_weights_ohem" top: "loss_bbox" loss_weight: 1
    loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 64 } propagate_down: true propagate_down: false propagate_down: false }`;
