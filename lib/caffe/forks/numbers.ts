/** Numbers of LayerParameter's fields in forks, from their caffe.proto: what the fork has there. Caffe has 147 and 148 since 2018. */
const LAYER_NUMBERS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  "BVLC opencl": { 95: "device", 96: "buffer" },
  C3D: { 6660: "video_data_param", 6661: "convolution3d_param", 6662: "pooling3d_param" },
  "caffe-action": {
    137: "bn_param",
    140: "video_data_param",
    150: "roi_pooling_param",
    160: "scale_param",
    161: "bias_param",
    162: "batch_reduction_param",
    301: "interp_param",
    1030: "color_conv_param",
  },
  "caffe-heatmap": { 140: "heatmap_data_param", 200: "visualise", 201: "visualise_channel" },
  "caffe-windows": {
    200: "bn_param",
    201: "local_param",
    202: "insanity_param",
    203: "triplet_loss_param",
    204: "roi_pooling_param",
    205: "eltwise_affine_param",
    206: "sub_region_param",
    207: "noise_param",
    208: "hotspot_param",
    209: "predict_box_param",
    210: "fcn_data_param",
    211: "center_loss_param",
    212: "flip_param",
    213: "inner_distance_param",
    214: "normalize_param",
    215: "general_contrastive_loss_param",
    216: "soft_contrastive_loss_param",
    217: "general_triplet_loss_param",
    218: "soft_truncation_param",
    219: "proposal_param",
    220: "psroi_pooling_param",
    221: "pairwise_param",
    222: "smoothl1_param",
    223: "batch_contrastive_loss_param",
    224: "permute_param",
    225: "truncation_param",
    226: "nca_param",
    227: "largemargin_inner_product_param",
    228: "label_specific_rescale_param",
    229: "infimum_loss_param",
    230: "ordinal_regression_loss_param",
    231: "resize_param",
    232: "margin_inner_product_param",
    233: "feature_decay_loss_param",
    234: "confidence_penalty_loss_param",
    235: "focal_loss_param",
    236: "label_specific_margin_param",
    237: "channel_scale_param",
    238: "label_specific_affine_param",
    239: "label_specific_hard_margin_param",
    241: "label_specific_add_param",
  },
  DeepLab: {
    147: "domain_transform_param",
    149: "bias_channel_param",
    150: "unique_label_param",
    151: "mat_read_param",
    152: "dense_crf_param",
    153: "interp_param",
    154: "seg_accuracy_param",
    155: "mat_write_param",
  },
  ENet: { 45: "bn_param", 46: "dense_image_data_param", 147: "upsample_param", 148: "dense_mm_image_data_param" },
  "FlowNet, DispNet": {
    148: "coeff_schedule_param",
    149: "augmentation_param",
    150: "correlation_param",
    151: "l1_loss_param",
    152: "writer_param",
    153: "reader_param",
    154: "mean_param",
    155: "resample_param",
    156: "downsample_param",
    157: "reshape_every_iter",
    158: "lpq_loss_param",
    159: "flow_warp_param",
  },
  Intel: {
    147: "split_param",
    148: "smooth_l1_loss_param",
    149: "engine",
    150: "multinode",
    151: "mn_activation_param",
    152: "box_annotator_ohem_param",
    153: "psroi_pooling_param",
    154: "roi_pooling_param",
    155: "spatial_dropout_param",
    156: "mn_grad_compress_param",
    158: "quantization_param",
  },
  LRCN: { 132: "embed_param", 134: "recurrent_param" },
  "MobileNet-YOLO": {
    149: "reorg_param",
    150: "upsample_param",
    211: "relu6_param",
    600: "region_loss_param",
    601: "yolo_detection_output_param",
    602: "yolov3_detection_output_param",
    603: "yolov3_param",
    604: "yolo_seg_param",
    605: "segmentation_evaluate_param",
  },
  NVIDIA: { 6801: "detectnet_groundtruth_param", 6802: "detectnet_augmentation_param" },
  "OCR forks": {
    147: "reverse_param",
    148: "ctc_loss_param",
    149: "ctc_decoder_param",
    200: "ctc_loss_param",
    201: "continuation_indicator_param",
    203: "labelsequence_accuracy_param",
    204: "reverse_param",
  },
  OpenPose: {
    147: "cpmdata_param",
    148: "imresize_param",
    149: "nms_param",
    151: "cocodata_param",
    152: "cpmbottomup_param",
  },
  PSPNet: {
    150: "roi_pooling_param",
    160: "scale_param",
    161: "bias_param",
    162: "batch_reduction_param",
    163: "interp_param",
    164: "seg_accuracy_param",
  },
  "py-faster-rcnn, R-FCN": {
    10001: "psroi_pooling_param",
    8266711: "roi_pooling_param",
    8266712: "smooth_l1_loss_param",
  },
  SegNet: { 45: "bn_param", 137: "upsample_param", 138: "dense_image_data_param" },
  sphereface: { 147: "margin_inner_product_param" },
  "SSD, MobileNet-YOLO, Intel": {
    200: "annotated_data_param",
    201: "multibox_loss_param",
    202: "permute_param",
    203: "prior_box_param",
    204: "detection_output_param",
    205: "detection_evaluate_param",
    206: "norm_param",
    207: "video_data_param",
  },
  "video-caffe": { 7777: "video_data_param", 7779: "permute_param" },
};

/** Fields within parameters whose numbers forks have otherwise than Caffe, and the numbers of V1's layer types that only forks have. */
const OTHER_NUMBERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "pooling_param.13": { Caffe: "round_mode", "PSPNet, caffe-windows": "ceil_mode", Intel: "avg_include_pad" },
  "pooling_param.2": { Caffe: "kernel_size", Intel: "pad" },
  "convolution_param.16": { Caffe: "axis", "caffe-action": "dilation" },
  "convolution_param.17": { Caffe: "force_nd_im2col", PSPNet: "hole", "caffe-action": "dilation_h" },
  "convolution_param.19": {
    Intel: "relu",
    NVIDIA: "cudnn_convolution_algo_seeker",
    OpenPose: "binary",
    PSPNet: "hole_w",
  },
  "loss_param.3": {
    Caffe: "normalization: NONE",
    "R-FCN, Intel": "normalization: PRE_FIXED",
    SegNet: "weight_by_label_freqs",
  },
  "loss_param.4": { "R-FCN, Intel": "pre_fixed_normalizer", "SegNet, ENet": "class_weighting" },
  "batch_norm_param.5": { NVIDIA: "scale_filler", Intel: "use_weight_bias", "caffe-windows": "disable_variance" },
  "batch_norm_param.7": { Intel: "filler", "caffe-windows": "scale_filler" },
  "layers.type.40": { FCN: "CROP", SSD: "UPSAMPLE", "OCR forks": "REVERSE", C3D: "DOWN_SAMPLING" },
};

/** V1 layer types of caffe-windows, from number 41 on. */
const WINDOWS_V1 = "LOCAL BN NORMALIZE INSANITY TRIPLET_LOSS ROI_POOLING BATCH_NORM ELTWISE_AFFINE".split(" ");

/** Names that forks have at a number of a binary net, by fork, as far as they are known: of "206", "pooling_param.13" or "layers.type.45". */
export function candidatesOf(number: string): readonly (readonly [fork: string, name: string])[] {
  const type = number.startsWith("layers.type.")
    ? WINDOWS_V1[Number(number.slice("layers.type.".length)) - 41]
    : undefined;
  if (type !== undefined) return [["caffe-windows", type]];
  const others = OTHER_NUMBERS[number.replace(/^layers\.(?!type)/, "")];
  if (others) return Object.entries(others);
  return Object.entries(LAYER_NUMBERS).flatMap(([fork, names]) => {
    const name = names[Number(number)];
    return name === undefined ? [] : [[fork, name] as const];
  });
}

/** Numbers of LayerParameter by fork, as a text each: "200 annotated_data_param". */
export const forkNumbers = (): readonly (readonly [fork: string, names: readonly string[]])[] =>
  Object.entries(LAYER_NUMBERS).map(([fork, names]) => [
    fork,
    Object.entries(names).map(([number, name]) => `${number} ${name}`),
  ]);
