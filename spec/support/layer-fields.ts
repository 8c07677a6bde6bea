import { layerTypes } from "../../lib/layers/index.js";

/** Fields that change nothing in what a layer computes here, each with its reason. */
export const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  absolute: "the fork of RegionLoss does not read it",
  anno_type: "the annotations say it",
  class_map: "the fork of RegionLoss reads the file and uses nothing of it",
  coords: "boxes have four coordinates",
  do_abs: "it is for differences, and correlations are products",
  force_encoded_color: "images are decoded as they are, and force_color says what they become",
  jitter: "the fork of RegionLoss does not read it",
  label_map_file: "names are for what is printed",
  loss_calculation_t: "CTC's cost is the same at every step",
  margin_on_test: "the fork has no margin in tests, whatever it says",
  prefetch: "how many batches are read ahead",
  reset_margin: "the fork of LabelSpecificMargin does not read it",
  random: "the fork of RegionLoss does not read it",
  save_file: "detections are not written to files",
  share_in_parallel: "replicas share nothing",
  side: "the bottom has it",
  softmax: "the fork of RegionLoss does not read it",
  transform_test: "the forks want TRAIN beside it",
  visualize: "detections are not shown while they are computed",
  visualize_threshold: "detections are not shown while they are computed",
};

/** Fields of a message that several types have and only some read. */
const READ_BY_OTHERS: readonly { readonly fields: readonly string[]; readonly by: readonly string[] }[] = [
  // SegNet's weights are SoftmaxWithLoss's.
  { fields: ["weight_by_label_freqs", "class_weighting"], by: ["SoftmaxWithLoss"] },
  { fields: ["class_balanced"], by: ["SigmoidCrossEntropyLoss"] },
  // Intel's, which other losses refuse.
  { fields: ["label_smoothing"], by: ["SoftmaxWithLoss"] },
  // As in its source.
  {
    fields: ["normalization", "normalize", "pre_fixed_normalizer"],
    by: Object.keys(layerTypes).filter((type) => type !== "MTCNNEuclideanLoss"),
  },
  // As in the forks, and refused there where it would matter.
  { fields: ["preprocess_collapse_repeated", "output_delay", "ctc_merge_repeated"], by: ["CTCLoss"] },
  {
    fields: ["ignore_label"],
    by: Object.keys(layerTypes).filter((type) => !type.startsWith("MultiBox") && type !== "SoftmaxCrossEntropyLoss"),
  },
  // AnnotatedData's distortions are refused in other data layers.
  { fields: ["resize_param", "distort_param", "expand_param", "emit_constraint"], by: ["AnnotatedData"] },
  // Im2col has windows alone.
  {
    fields: ["num_output", "bias_term", "group", "weight_filler", "bias_filler", "relu", "negative_slope"],
    by: Object.keys(layerTypes).filter((type) => type !== "Im2col"),
  },
  // Only C3D's and video-caffe's layers have windows of other axes; Convolution and Pooling refuse them.
  { fields: ["filter_group"], by: ["Convolution3D"] },
  {
    fields: ["kernel_d", "stride_d", "pad_d", "kstride", "kstride_h", "kstride_w", "kstride_d"],
    by: ["Convolution", "Pooling"],
  },
  { fields: ["kernel_l", "stride_l", "pad_l"], by: ["Convolution3D", "Deconvolution3D", "Pooling3D"] },
];

/** Tests whether a type reads a field of its messages. */
export const isRead = (field: string, type: string) =>
  READ_BY_OTHERS.every(({ fields, by }) => !fields.includes(field) || by.includes(type));
