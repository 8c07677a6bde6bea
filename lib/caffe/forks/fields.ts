import { FORK_V1_TYPES } from "../upgrade-fork-types.js";

/** A field of a fork, or a value of one. What the schema has of them is supported; the others do no harm or are refused. */
export interface ForkField {
  /** The forks that have it, by the names that they go by. */
  readonly forks: string;
  /** The message; "*": whichever has the field. */
  readonly message: string;
  readonly fields: readonly string[];
  /** Values of an enum, where only these are the fork's. */
  readonly values?: readonly string[];
  readonly meaning: string;
  /** Why a net with it is refused where it runs; absent: it changes no shape and no number here. */
  readonly refused?: string;
  /** The text of a value, its default, with which it changes nothing. */
  readonly unless?: readonly string[];
}

/** Reasons that several fields have. */
const AUGMENTS = "netrun does not distort images so; without the field, training sees less variety";
const RATE = "netrun has no such schedule; the rates would be others";
const OTHER_NET = "netrun does not compute it, and the numbers would be others";

const OFF = ["false", "0"];

/**
 * What forks of Caffe have that Caffe has not, by message and field: read from their caffe.proto and layers. A field that changes
 * shapes or numbers is either in netrun's schema and done, or refused. `npm run docs` makes docs/forks.md from this table.
 */
export const FORK_FIELDS: readonly ForkField[] = [
  {
    forks: "DeepLab, C3D, fast-rcnn, SegNet, caffe-heatmap, OpenPose",
    message: "V1LayerParameter",
    fields: ["type"],
    values: Object.keys(FORK_V1_TYPES),
    meaning: "layer types by their V1 names, read as those of today that have the same words",
  },
  // Pooling and convolution
  {
    forks: "Intel, PSPNet, caffe-windows, RefineDet",
    message: "PoolingParameter",
    fields: ["ceil_mode"],
    meaning: "false: sizes are rounded down, as `round_mode: FLOOR` in Caffe",
  },
  {
    forks: "DeepLab",
    message: "ConvolutionParameter",
    fields: ["hole", "hole_h", "hole_w"],
    meaning: "dilation, by its older name",
  },
  {
    forks: "caffe-action, TSN, PSPNet",
    message: "ConvolutionParameter",
    fields: ["dilation_h", "dilation_w"],
    meaning: "dilation of height and of width",
  },
  {
    forks: "Intel",
    message: "ConvolutionParameter",
    fields: ["relu", "negative_slope"],
    meaning: "a ReLU fused into the convolution, and its slope for negative numbers",
  },
  {
    forks: "Intel",
    message: "ConvolutionParameter",
    fields: ["conv_algorithm"],
    meaning: "which algorithm computes the convolution",
  },
  {
    forks: "NVIDIA",
    message: "ConvolutionParameter",
    fields: ["cudnn_convolution_algo_seeker", "conv_algos_override", "cudnn_math_override", "use_cudnn"],
    meaning: "which algorithm of cuDNN computes the convolution",
  },
  {
    forks: "C3D, video-caffe",
    message: "ConvolutionParameter",
    fields: ["kernel_depth", "temporal_stride", "temporal_pad", "filter_group"],
    meaning: "the window along time of a Convolution3D; refused in a Convolution",
  },
  {
    forks: "video-caffe",
    message: "ConvolutionParameter",
    fields: ["kernel_l", "stride_l", "pad_l"],
    meaning: "the window along time of a 3-d convolution",
    refused: OTHER_NET,
  },
  {
    forks: "C3D, video-caffe",
    message: "PoolingParameter",
    fields: ["kernel_depth", "temporal_stride"],
    meaning: "the window along time of a Pooling3D; refused in a Pooling",
  },
  {
    forks: "C3D, video-caffe",
    message: "PoolingParameter",
    fields: ["kernel_l", "temporal_pad", "stride_l", "pad_l"],
    meaning: "the window along time of a 3-d pooling",
    refused: OTHER_NET,
  },
  {
    forks: "all",
    message: "*",
    fields: ["engine"],
    meaning: "which library computes the layer: MKL2017, MKLDNN, CUDNN and the like",
  },
  // Normalisation and dropout
  {
    forks: "NVIDIA",
    message: "BatchNormParameter",
    fields: ["scale_bias", "scale_filler", "bias_filler"],
    meaning: "a trainable scale and bias as blobs 3 and 4; running statistics are averaged by Caffe's rule",
  },
  {
    forks: "Intel",
    message: "BatchNormParameter",
    fields: ["use_weight_bias", "filler"],
    meaning: "the same as NVIDIA's scale_bias and scale_filler",
  },
  {
    forks: "Intel",
    message: "BatchNormParameter",
    fields: ["bias_term"],
    meaning: "false: a scale without a bias",
    refused: "netrun has scale and bias together",
    unless: ["true"],
  },
  {
    forks: "Intel",
    message: "BatchNormParameter",
    fields: ["relu"],
    meaning: "a ReLU fused into the normalisation",
    refused: "write a ReLU layer after it",
    unless: OFF,
  },
  {
    forks: "Intel",
    message: "BatchNormParameter",
    fields: ["stats_batch_size"],
    meaning: "statistics of parts of the batch",
    refused: OTHER_NET,
    unless: ["0"],
  },
  {
    forks: "R-FCN, py-R-FCN, OHEM",
    message: "DropoutParameter",
    fields: ["scale_train"],
    meaning: "false: kept entries keep their value in training, and tests multiply all by 1 - dropout_ratio",
  },
  {
    forks: "SegNet",
    message: "DropoutParameter",
    fields: ["sample_weights_test"],
    meaning: "entries are dropped in tests too (Bayesian SegNet)",
  },
  // Losses
  {
    forks: "R-FCN, Intel",
    message: "LossParameter",
    fields: ["normalization"],
    values: ["PRE_FIXED"],
    meaning: "the loss is divided by pre_fixed_normalizer",
  },
  {
    forks: "R-FCN, Intel",
    message: "LossParameter",
    fields: ["pre_fixed_normalizer"],
    meaning: "what PRE_FIXED divides by",
  },
  {
    forks: "Intel, caffe-windows",
    message: "LossParameter",
    fields: ["label_smoothing"],
    meaning: "a part of the probability is spread over all classes",
    refused: OTHER_NET,
    unless: ["0"],
  },
  {
    forks: "SegNet, ENet",
    message: "LossParameter",
    fields: ["weight_by_label_freqs", "class_weighting"],
    meaning: "each entry of a SoftmaxWithLoss is weighted by its class",
  },
  {
    forks: "SegNet, ENet",
    message: "LossParameter",
    fields: ["ignore_label_weight"],
    meaning: "entries with the ignored label count a little",
    refused: OTHER_NET,
    unless: OFF,
  },
  {
    forks: "caffe-windows, AM-softmax, sphereface",
    message: "InnerProductParameter",
    fields: ["normalize", "weight_norm"],
    meaning: "rows of the weights have length 1",
    refused: OTHER_NET,
    unless: OFF,
  },
  {
    forks: "caffe-windows",
    message: "ScaleParameter",
    fields: ["min_value", "max_value"],
    meaning: "bounds of the trainable scale",
    refused: OTHER_NET,
  },
  // Sums
  {
    forks: "caffe-action, TSN",
    message: "EltwiseParameter",
    fields: ["operation"],
    values: ["STOCHASTIC_SUM"],
    meaning: "a sum of bottoms drawn at random",
    refused: OTHER_NET,
  },
  {
    forks: "caffe-action, TSN",
    message: "ReductionParameter",
    fields: ["operation"],
    values: ["TOPK"],
    meaning: "the mean of the k largest entries",
    refused: OTHER_NET,
  },
  {
    forks: "caffe-action, TSN",
    message: "ReductionParameter",
    fields: ["k"],
    meaning: "how many entries TOPK takes",
  },
  // Quantised nets
  {
    forks: "Ristretto, Intel",
    message: "LayerParameter",
    fields: ["quantization_param"],
    meaning: "the layer computes in few bits",
    refused:
      "netrun computes in float32; without the field it runs the net that was quantised (--int8 quantises a converted one)",
  },
  // Precision, devices and machines: netrun computes in float32 on what it has
  {
    forks: "NVIDIA",
    message: "NetParameter",
    fields: [
      "default_forward_type",
      "default_backward_type",
      "default_forward_math",
      "default_backward_math",
      "default_conv_algos_override",
      "default_cudnn_math_override",
    ],
    meaning: "the precision of all layers; netrun computes in float32",
  },
  {
    forks: "NVIDIA",
    message: "NetParameter",
    fields: ["global_grad_scale", "global_grad_scale_adaptive", "reduce_buckets", "eltwise_mem_sharing"],
    meaning: "what half precision and several GPUs need; gradients are the same without",
  },
  {
    forks: "NVIDIA",
    message: "LayerParameter",
    fields: ["forward_type", "backward_type", "forward_math", "backward_math", "cudnn_math_override", "debug"],
    meaning: "the layer's precision; netrun computes in float32",
  },
  {
    forks: "Intel",
    message: "NetParameter",
    fields: ["compile_net_state", "multinode"],
    meaning: "how the net is optimised and spread over machines",
  },
  {
    forks: "Intel",
    message: "NetParameter",
    fields: ["bn_stats_batch_size"],
    meaning: "statistics of parts of the batch",
    refused: OTHER_NET,
    unless: ["0"],
  },
  {
    forks: "Intel",
    message: "LayerParameter",
    fields: ["multinode", "mn_activation_param", "mn_grad_compress_param", "split_param"],
    meaning: "how the layer is spread over machines",
  },
  {
    forks: "FlowNet",
    message: "LayerParameter",
    fields: ["reshape_every_iter"],
    meaning: "false: shapes are looked at once, to save time",
  },
  {
    forks: "ApolloCaffe, PSPNet, caffe-action",
    message: "NetParameter",
    fields: ["mem_param", "optimize_memory"],
    meaning: "how memory is shared",
  },
  {
    forks: "BVLC opencl",
    message: "LayerParameter",
    fields: ["device", "device_param", "bottom_data_type", "top_data_type", "compute_data_type", "quantizer_param"],
    meaning: "the device and the type of numbers",
  },
  {
    forks: "Intel",
    message: "ReLUParameter",
    fields: ["fuse"],
    meaning: "whether the layer is fused into the one above",
  },
  // Data
  {
    forks: "SSD, MobileNet-YOLO, Intel, RefineDet",
    message: "TransformationParameter",
    fields: ["resize_param"],
    meaning: "images are resized: height and width are the top's",
    refused: "netrun does not resize so; give data of that size",
  },
  {
    forks: "SSD, MobileNet-YOLO, Intel, SegNet, DeepLab",
    message: "TransformationParameter",
    fields: ["crop_h", "crop_w", "crop_height", "crop_width", "crop_size_x", "crop_size_y"],
    meaning: "a crop that is not square: the top's height and width",
    refused: "netrun crops squares; give data of that size",
    unless: ["0"],
  },
  {
    forks: "SSD, MobileNet-YOLO, Intel, RefineDet",
    message: "TransformationParameter",
    fields: ["noise_param", "distort_param", "expand_param", "random_resize_param", "random_aspect_ratio_param"],
    meaning: "images are distorted at random",
    refused: AUGMENTS,
  },
  {
    forks: "SSD, MobileNet-YOLO, Intel",
    message: "TransformationParameter",
    fields: ["emit_constraint"],
    meaning: "which boxes stay after a crop",
    refused: "netrun's data has no boxes to crop",
  },
  {
    forks: "caffe-action, TSN",
    message: "TransformationParameter",
    fields: [
      "fix_crop",
      "more_fix_crop",
      "multi_scale",
      "scale_ratios",
      "max_distort",
      "original_image",
      "upper_size",
      "upper_height",
      "upper_width",
    ],
    meaning: "crops of several scales at fixed places",
    refused: AUGMENTS,
    unless: OFF,
  },
  {
    forks: "caffe-action, TSN, Intel",
    message: "TransformationParameter",
    fields: ["is_flow", "flow"],
    meaning: "images are optical flow: mirrored ones are inverted",
    refused: "netrun mirrors images as Caffe does",
    unless: OFF,
  },
  {
    forks: "caffe-augmentation, caffe-windows, OpenPose",
    message: "TransformationParameter",
    fields: [
      "min_side",
      "max_side",
      "min_side_min",
      "min_side_max",
      "max_rotation_angle",
      "contrast_brightness_adjustment",
      "contrast_adjustment",
      "smooth_filtering",
      "jpeg_compression",
      "max_color_shift",
      "min_contrast",
      "max_contrast",
      "max_brightness_shift",
      "max_smooth",
      "apply_probability",
      "max_rotate_degree",
      "scale_prob",
      "scale_min",
      "scale_max",
      "target_dist",
      "center_perterb_max",
      "clahe_tile_size",
      "clahe_clip_limit",
      "do_clahe",
      "rotation_angle",
      "min_scaling_factor",
      "max_scaling_factor",
    ],
    meaning: "images are scaled, rotated and recoloured at random",
    refused: AUGMENTS,
    unless: OFF,
  },
  {
    forks: "OpenPose",
    message: "TransformationParameter",
    fields: [
      "stride",
      "sigma",
      "sum",
      "num_parts",
      "np_in_lmdb",
      "num_total_parts",
      "put_gaussian",
      "transform_body_joint",
      "model",
    ],
    meaning: "how maps of joints are drawn as labels",
    refused: "netrun draws no maps of joints; give them as data",
  },
  {
    forks: "NVIDIA",
    message: "TransformationParameter",
    fields: ["use_gpu_transform", "random_seed", "display", "debug_params", "visualize"],
    meaning: "where images are transformed, and what is shown of it",
  },
  {
    forks: "NVIDIA",
    message: "TransformationParameter",
    fields: [
      "img_rand_resize_lower",
      "img_rand_resize_upper",
      "rand_resize_ratio_lower",
      "rand_resize_ratio_upper",
      "vertical_stretch_lower",
      "vertical_stretch_upper",
      "horizontal_stretch_lower",
      "horizontal_stretch_upper",
      "allow_upscale",
    ],
    meaning: "images are resized at random before they are cropped",
    refused: AUGMENTS,
  },
  {
    forks: "NVIDIA, Intel, caffe-action",
    message: "DataParameter",
    fields: ["threads", "parser_threads", "cache", "prefetch_size"],
    meaning: "how many threads read",
  },
  {
    forks: "NVIDIA, Intel, caffe-action",
    message: "DataParameter",
    fields: ["shuffle"],
    meaning: "records come in a new order each epoch",
    refused: "netrun reads databases in their order; import them with --shuffle",
    unless: OFF,
  },
  {
    forks: "caffe-windows",
    message: "ImageDataParameter",
    fields: [
      "face_transform",
      "face_mirror",
      "face_point_num",
      "max_shear_ratio",
      "max_aspect_ratio",
      "max_rotate_angle",
      "min_random_scale",
      "max_random_scale",
      "max_random_shift",
    ],
    meaning: "faces are sheared, rotated and moved at random",
    refused: AUGMENTS,
    unless: OFF,
  },
  {
    forks: "DeepLab",
    message: "ImageDataParameter",
    fields: ["label_type", "label_divide_factor"],
    meaning: "labels are images (PIXEL), numbers of images (IMAGE) or absent (NONE)",
    refused: "netrun's list of images has a number for each as label",
  },
  // Fillers
  {
    forks: "Intel",
    message: "FillerParameter",
    fields: ["scale"],
    meaning: "the msra filler's deviation is multiplied",
    refused: "netrun draws initial weights as Caffe does",
    unless: ["1", "1.0"],
  },
  // Solvers
  {
    forks: "SSD, Intel, MobileNet-YOLO",
    message: "SolverParameter",
    fields: ["eval_type", "ap_version", "show_per_class_result"],
    meaning: "how a test's detections are scored",
  },
  {
    forks: "SSD, Intel, MobileNet-YOLO",
    message: "SolverParameter",
    fields: ["plateau_winsize"],
    meaning: "the learning rate falls where the loss does not",
    refused: RATE,
  },
  {
    forks: "NVIDIA, Intel",
    message: "SolverParameter",
    fields: ["rampup_interval", "rampup_lr", "warmup_iter", "warmup_start_lr", "min_lr"],
    meaning: "the learning rate rises at the start, or has a lower bound",
    refused: RATE,
    unless: ["0", "0.0"],
  },
  {
    forks: "NVIDIA, Intel",
    message: "SolverParameter",
    fields: ["larc", "larc_policy", "larc_eta", "larc_turn", "local_lr", "local_lr_auto", "local_gw_ratio"],
    meaning: "a learning rate for each layer from its gradient's length",
    refused: RATE,
    unless: OFF,
  },
  {
    forks: "NVIDIA",
    message: "SolverParameter",
    fields: [
      "momentum_policy",
      "max_momentum",
      "momentum_power",
      "weight_decay_policy",
      "weight_decay_power",
      "epoch_size",
      "max_epoch",
      "test_interval_epoch",
      "test_epoch_size",
    ],
    meaning: "momentum and decay that change, and lengths in epochs",
    refused: "netrun counts iterations, with one momentum and one decay",
  },
  {
    forks: "Intel",
    message: "SolverParameter",
    fields: ["disabled_update"],
    meaning: "parameters are not updated",
    refused: "set lr_mult: 0 for parameters that are not to be trained",
    unless: OFF,
  },
  {
    forks: "caffe-action, TSN, DeepLab",
    message: "SolverParameter",
    fields: ["richness", "device_id", "mem_param"],
    meaning: "how several GPUs and their memory are used",
  },
  {
    forks: "NVIDIA",
    message: "SolverParameter",
    fields: ["per_parameter_reduce", "reduce_buckets", "store_blobs_in_old_format", "layer_wise_reduce"],
    meaning: "how gradients of several GPUs are summed, and the format of snapshots",
  },
];
