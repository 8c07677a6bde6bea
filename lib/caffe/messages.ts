// Generated from proto/caffe.proto by proto/generate.mjs (`npm run generate`). Do not edit.

/** Values that `create` takes for a message: any part of it, nested messages as plain objects, lists of floats as arrays too. */
export type Init<T> = T extends Float32Array | Float64Array
  ? T | readonly number[]
  : T extends Uint8Array
    ? T
    : T extends readonly (infer E)[]
      ? readonly Init<E>[]
      : T extends object
        ? { readonly [K in keyof T]?: Init<NonNullable<T[K]>> | null | undefined }
        : T;

export interface BlobShape {
  readonly dim: readonly number[];
}

export interface BlobProto {
  readonly shape: BlobShape | null;
  readonly data: Float32Array;
  readonly diff: Float32Array;
  readonly double_data: Float64Array;
  readonly double_diff: Float64Array;
  /** Default 0. */
  readonly num: number;
  /** Default 0. */
  readonly channels: number;
  /** Default 0. */
  readonly height: number;
  /** Default 0. */
  readonly width: number;
}

export interface BlobProtoVector {
  readonly blobs: readonly BlobProto[];
}

export interface Datum {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Uint8Array;
  readonly label: number;
  readonly float_data: readonly number[];
  /** Default false. */
  readonly encoded: boolean;
}

export interface FillerParameter {
  /** Default "constant". */
  readonly type: string;
  /** Default 0. */
  readonly value: number;
  /** Default 0. */
  readonly min: number;
  /** Default 1. */
  readonly max: number;
  /** Default 0. */
  readonly mean: number;
  /** Default 1. */
  readonly std: number;
  /** Default -1. */
  readonly sparse: number;
  /** Default FAN_IN. */
  readonly variance_norm: FillerParameter_VarianceNorm;
  /** Default 0. */
  readonly alpha: number;
}

export const FillerParameter_VarianceNorm = {
  FAN_IN: 0,
  FAN_OUT: 1,
  AVERAGE: 2,
} as const;
export type FillerParameter_VarianceNorm = (typeof FillerParameter_VarianceNorm)[keyof typeof FillerParameter_VarianceNorm];

export interface NetParameter {
  readonly name: string;
  readonly input: readonly string[];
  readonly input_shape: readonly BlobShape[];
  readonly input_dim: readonly number[];
  /** Default false. */
  readonly force_backward: boolean;
  readonly state: NetState | null;
  /** Default false. */
  readonly debug_info: boolean;
  readonly layer: readonly LayerParameter[];
  readonly layers: readonly V1LayerParameter[];
}

export interface SolverParameter {
  readonly net: string;
  readonly net_param: NetParameter | null;
  readonly train_net: string;
  readonly test_net: readonly string[];
  readonly train_net_param: NetParameter | null;
  readonly test_net_param: readonly NetParameter[];
  readonly train_state: NetState | null;
  readonly test_state: readonly NetState[];
  readonly test_iter: readonly number[];
  /** Default 0. */
  readonly test_interval: number;
  /** Default false. */
  readonly test_compute_loss: boolean;
  /** Default true. */
  readonly test_initialization: boolean;
  readonly base_lr: number;
  readonly display: number;
  /** Default 1. */
  readonly average_loss: number;
  readonly max_iter: number;
  /** Default 1. */
  readonly iter_size: number;
  readonly lr_policy: string;
  readonly gamma: number;
  readonly power: number;
  readonly momentum: number;
  readonly weight_decay: number;
  /** Default "L2". */
  readonly regularization_type: string;
  readonly stepsize: number;
  readonly stepvalue: readonly number[];
  /** Default -1. */
  readonly clip_gradients: number;
  /** Default 0. */
  readonly snapshot: number;
  readonly snapshot_prefix: string;
  /** Default false. */
  readonly snapshot_diff: boolean;
  /** Default BINARYPROTO. */
  readonly snapshot_format: SolverParameter_SnapshotFormat;
  /** Default GPU. */
  readonly solver_mode: SolverParameter_SolverMode;
  /** Default 0. */
  readonly device_id: number;
  /** Default -1. */
  readonly random_seed: number;
  /** Default "SGD". */
  readonly type: string;
  /** Default 1e-8. */
  readonly delta: number;
  /** Default 0.999. */
  readonly momentum2: number;
  /** Default 0.99. */
  readonly rms_decay: number;
  /** Default false. */
  readonly debug_info: boolean;
  /** Default true. */
  readonly snapshot_after_train: boolean;
  /** Default SGD. */
  readonly solver_type: SolverParameter_SolverType;
  /** Default true. */
  readonly layer_wise_reduce: boolean;
  readonly weights: readonly string[];
  /** Default "classification". */
  readonly eval_type: string;
  /** Default "Integral". */
  readonly ap_version: string;
  /** Default false. */
  readonly show_per_class_result: boolean;
  /** Default 1. */
  readonly batch_iterations: number;
  /** Default 0. */
  readonly l1_decay: number;
  readonly pretrain: PretrainParameter | null;
}

export const SolverParameter_SnapshotFormat = {
  HDF5: 0,
  BINARYPROTO: 1,
} as const;
export type SolverParameter_SnapshotFormat = (typeof SolverParameter_SnapshotFormat)[keyof typeof SolverParameter_SnapshotFormat];

export const SolverParameter_SolverMode = {
  CPU: 0,
  GPU: 1,
} as const;
export type SolverParameter_SolverMode = (typeof SolverParameter_SolverMode)[keyof typeof SolverParameter_SolverMode];

export const SolverParameter_SolverType = {
  SGD: 0,
  NESTEROV: 1,
  ADAGRAD: 2,
  RMSPROP: 3,
  ADADELTA: 4,
  ADAM: 5,
} as const;
export type SolverParameter_SolverType = (typeof SolverParameter_SolverType)[keyof typeof SolverParameter_SolverType];

export interface SolverState {
  readonly iter: number;
  readonly learned_net: string;
  readonly history: readonly BlobProto[];
  /** Default 0. */
  readonly current_step: number;
}

export const Phase = {
  TRAIN: 0,
  TEST: 1,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

export interface NetState {
  /** Default TEST. */
  readonly phase: Phase;
  /** Default 0. */
  readonly level: number;
  readonly stage: readonly string[];
}

export interface NetStateRule {
  readonly phase: Phase;
  readonly min_level: number;
  readonly max_level: number;
  readonly stage: readonly string[];
  readonly not_stage: readonly string[];
}

export interface ParamSpec {
  readonly name: string;
  readonly share_mode: ParamSpec_DimCheckMode;
  /** Default 1. */
  readonly lr_mult: number;
  /** Default 1. */
  readonly decay_mult: number;
  readonly max_norm: number;
}

export const ParamSpec_DimCheckMode = {
  STRICT: 0,
  PERMISSIVE: 1,
} as const;
export type ParamSpec_DimCheckMode = (typeof ParamSpec_DimCheckMode)[keyof typeof ParamSpec_DimCheckMode];

export interface LayerParameter {
  readonly name: string;
  readonly type: string;
  readonly bottom: readonly string[];
  readonly top: readonly string[];
  readonly phase: Phase;
  readonly loss_weight: readonly number[];
  readonly param: readonly ParamSpec[];
  readonly blobs: readonly BlobProto[];
  readonly propagate_down: readonly boolean[];
  readonly include: readonly NetStateRule[];
  readonly exclude: readonly NetStateRule[];
  readonly transform_param: TransformationParameter | null;
  readonly loss_param: LossParameter | null;
  readonly accuracy_param: AccuracyParameter | null;
  readonly argmax_param: ArgMaxParameter | null;
  readonly batch_norm_param: BatchNormParameter | null;
  readonly bias_param: BiasParameter | null;
  readonly clip_param: ClipParameter | null;
  readonly concat_param: ConcatParameter | null;
  readonly contrastive_loss_param: ContrastiveLossParameter | null;
  readonly convolution_param: ConvolutionParameter | null;
  readonly crop_param: CropParameter | null;
  readonly data_param: DataParameter | null;
  readonly dropout_param: DropoutParameter | null;
  readonly dummy_data_param: DummyDataParameter | null;
  readonly eltwise_param: EltwiseParameter | null;
  readonly elu_param: ELUParameter | null;
  readonly embed_param: EmbedParameter | null;
  readonly exp_param: ExpParameter | null;
  readonly flatten_param: FlattenParameter | null;
  readonly hdf5_data_param: HDF5DataParameter | null;
  readonly hdf5_output_param: HDF5OutputParameter | null;
  readonly hinge_loss_param: HingeLossParameter | null;
  readonly image_data_param: ImageDataParameter | null;
  readonly infogain_loss_param: InfogainLossParameter | null;
  readonly inner_product_param: InnerProductParameter | null;
  readonly input_param: InputParameter | null;
  readonly log_param: LogParameter | null;
  readonly lrn_param: LRNParameter | null;
  readonly memory_data_param: MemoryDataParameter | null;
  readonly mvn_param: MVNParameter | null;
  readonly parameter_param: ParameterParameter | null;
  readonly pooling_param: PoolingParameter | null;
  readonly power_param: PowerParameter | null;
  readonly prelu_param: PReLUParameter | null;
  readonly python_param: PythonParameter | null;
  readonly recurrent_param: RecurrentParameter | null;
  readonly reduction_param: ReductionParameter | null;
  readonly relu_param: ReLUParameter | null;
  readonly reshape_param: ReshapeParameter | null;
  readonly scale_param: ScaleParameter | null;
  readonly sigmoid_param: SigmoidParameter | null;
  readonly softmax_param: SoftmaxParameter | null;
  readonly spp_param: SPPParameter | null;
  readonly slice_param: SliceParameter | null;
  readonly swish_param: SwishParameter | null;
  readonly tanh_param: TanHParameter | null;
  readonly threshold_param: ThresholdParameter | null;
  readonly tile_param: TileParameter | null;
  readonly window_data_param: WindowDataParameter | null;
  readonly annotated_data_param: AnnotatedDataParameter | null;
  readonly bn_param: BNParameter | null;
  readonly box_annotator_ohem_param: BoxAnnotatorOHEMParameter | null;
  readonly center_loss_param: CenterLossParameter | null;
  readonly correlation_param: CorrelationParameter | null;
  readonly dense_image_data_param: DenseImageDataParameter | null;
  readonly detection_evaluate_param: DetectionEvaluateParameter | null;
  readonly detection_output_param: DetectionOutputParameter | null;
  readonly focal_loss_param: FocalLossParameter | null;
  readonly interp_param: InterpParameter | null;
  readonly java_data_param: JavaDataParameter | null;
  readonly multibox_loss_param: MultiBoxLossParameter | null;
  readonly norm_param: NormalizeParameter | null;
  readonly permute_param: PermuteParameter | null;
  readonly prior_box_param: PriorBoxParameter | null;
  readonly proposal_param: ProposalParameter | null;
  readonly psroi_pooling_param: PSROIPoolingParameter | null;
  readonly region_loss_param: RegionLossParameter | null;
  readonly reorg_param: ReorgParameter | null;
  readonly roi_align_param: ROIAlignParameter | null;
  readonly roi_pooling_param: ROIPoolingParameter | null;
  readonly shuffle_channel_param: ShuffleChannelParameter | null;
  readonly smooth_l1_loss_param: SmoothL1LossParameter | null;
  readonly upsample_param: UpsampleParameter | null;
  readonly video_data_param: VideoDataParameter | null;
  readonly flow_warp_param: FlowWarpParameter | null;
  readonly group_norm_param: GroupNormParameter | null;
  readonly l1_loss_param: L1LossParameter | null;
  readonly label_specific_add_param: LabelSpecificAddParameter | null;
  readonly margin_inner_product_param: MarginInnerProductParameter | null;
  readonly resample_param: ResampleParameter | null;
  readonly seg_accuracy_param: SegAccuracyParameter | null;
  readonly layer_norm_param: LayerNormParameter | null;
  readonly triplet_loss_param: TripletLossParameter | null;
  readonly yolo_detection_output_param: YoloDetectionOutputParameter | null;
  readonly yolov3_detection_output_param: Yolov3DetectionOutputParameter | null;
  readonly yolov3_param: Yolov3Parameter | null;
  readonly ctc_loss_param: CTCLossParameter | null;
  readonly ctc_decoder_param: CTCDecoderParameter | null;
  readonly combined_margin_param: CombinedMarginParameter | null;
  readonly cosin_add_m_param: CosinAddmParameter | null;
  readonly largemargin_inner_product_param: LargeMarginInnerProductParameter | null;
  readonly compact_bilinear_param: CompactBilinearParameter | null;
  readonly hardsigmoid_param: HardSigmoidParameter | null;
  readonly relu6_param: ReLU6Parameter | null;
  readonly bilinear_interpolate_param: BilinearInterpolateParameter | null;
  readonly max_unpool_param: MaxUnPoolParameter | null;
  readonly pad_param: PadParameter | null;
  readonly pixelshuffle_param: PixelShuffleParameter | null;
  readonly unsqueeze_param: UnsqueezeParameter | null;
  readonly flip_param: FlipParameter | null;
  readonly local_param: LocalParameter | null;
  readonly locally_connected_param: LocallyConnectedParameter | null;
  readonly roi_warping_param: ROIWarpingParameter | null;
  readonly mask_resize_param: MaskResizeParameter | null;
  readonly rank_loss_param: RankLossParameter | null;
  readonly lpq_loss_param: LpqLossParameter | null;
  readonly channel_scale_param: ChannelScaleParameter | null;
  readonly imresize_param: ImResizeParameter | null;
  readonly nms_param: NmsParameter | null;
  readonly deformable_psroi_pooling_param: DeformablePSROIPoolingParameter | null;
  readonly denseblock_param: DenseBlockParameter | null;
  readonly ctc_param: CTCParameter | null;
  readonly spatial_dropout_param: SpatialDropoutParameter | null;
  readonly duplicate_param: DuplicateParameter | null;
  readonly label_specific_margin_param: LabelSpecificMarginParameter | null;
  readonly modulated_deformable_convolution_param: ModulatedDeformableConvolutionParameter | null;
  readonly rank_param: RankParameter | null;
  readonly island_loss_param: IslandLossParameter | null;
  readonly eltwise_affine_param: EltwiseAffineParameter | null;
  readonly soft_truncation_param: SoftTruncationParameter | null;
  readonly truncation_param: TruncationParameter | null;
  readonly general_contrastive_loss_param: GeneralContrastiveParameter | null;
  readonly spm_param: SPMParameter | null;
  readonly division_param: DivisionParameter | null;
  readonly combination_param: CombinationParameter | null;
  readonly gs_tiling_param: GSTilingParameter | null;
  readonly convolution3d_param: ConvolutionParameter | null;
  readonly pooling3d_param: PoolingParameter | null;
  readonly pooling_nd_param: PoolingParameter | null;
  readonly continuation_indicator_param: ContinuationIndicatorParameter | null;
  readonly deformable_convolution_param: DeformableConvolutionParameter | null;
  readonly inner_distance_param: InnerDistanceParameter | null;
  readonly label_specific_rescale_param: LabelSpecificRescaleParameter | null;
  readonly lstm_param: LstmParameter | null;
  readonly maxout_param: MaxoutParameter | null;
  readonly normalize_param: FaceNormalizeParameter | null;
  readonly reverse_param: ReverseParameter | null;
  readonly st_param: SpatialTransformerParameter | null;
  readonly transpose_param: TransposeParameter | null;
  readonly unpooling_param: UnpoolingParameter | null;
  readonly mergecrop_param: MergeCropParameter | null;
  readonly bunch_param: BunchParameter | null;
  readonly cccp_param: CCCPParameter | null;
  readonly local_weighted_convolution_param: LocalWeightedConvolutionParameter | null;
  readonly spatial_wta_param: SpatialWtaParameter | null;
  readonly lstm_conv_param: readonly LSTMConvolutionParameter[];
  readonly lstm_debug_param: LSTMDebugParameter | null;
  readonly resize_param: PlaneResizeParameter | null;
  readonly hotspot_param: HotspotParameter | null;
  readonly sub_region_param: SubRegionParameter | null;
  readonly rbm_param: RBMParameter | null;
}

export interface TransformationParameter {
  /** Default 1. */
  readonly scale: number;
  /** Default false. */
  readonly mirror: boolean;
  /** Default 0. */
  readonly crop_size: number;
  readonly mean_file: string;
  readonly mean_value: readonly number[];
  /** Default false. */
  readonly force_color: boolean;
  /** Default false. */
  readonly force_gray: boolean;
  readonly resize_param: readonly ResizeParameter[];
  readonly distort_param: DistortionParameter | null;
  readonly expand_param: ExpansionParameter | null;
  readonly emit_constraint: EmitConstraint | null;
  readonly noise_param: NoiseParameter | null;
}

export interface LossParameter {
  readonly ignore_label: number;
  /** Default VALID. */
  readonly normalization: LossParameter_NormalizationMode;
  readonly normalize: boolean;
  /** Default false. */
  readonly weight_by_label_freqs: boolean;
  readonly class_weighting: readonly number[];
  /** Default 0. */
  readonly label_smoothing: number;
  /** Default false. */
  readonly class_balanced: boolean;
  /** Default 1. */
  readonly pre_fixed_normalizer: number;
}

export const LossParameter_NormalizationMode = {
  FULL: 0,
  VALID: 1,
  BATCH_SIZE: 2,
  NONE: 3,
  PRE_FIXED: 50000,
} as const;
export type LossParameter_NormalizationMode = (typeof LossParameter_NormalizationMode)[keyof typeof LossParameter_NormalizationMode];

export interface AccuracyParameter {
  /** Default 1. */
  readonly top_k: number;
  /** Default 1. */
  readonly axis: number;
  readonly ignore_label: number;
  /** Default 0. */
  readonly denominator: number;
  /** Default false. */
  readonly min_is_better: boolean;
}

export interface ArgMaxParameter {
  /** Default false. */
  readonly out_max_val: boolean;
  /** Default 1. */
  readonly top_k: number;
  readonly axis: number;
}

export interface ClipParameter {
  readonly min: number;
  readonly max: number;
}

export interface ConcatParameter {
  /** Default 1. */
  readonly axis: number;
  /** Default 1. */
  readonly concat_dim: number;
}

export interface BatchNormParameter {
  readonly use_global_stats: boolean;
  /** Default 0.999. */
  readonly moving_average_fraction: number;
  /** Default 0.00001. */
  readonly eps: number;
  /** Default false. */
  readonly scale_bias: boolean;
  readonly scale_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
  readonly use_weight_bias: boolean;
  readonly filler: FillerParameter | null;
}

export interface BiasParameter {
  /** Default 1. */
  readonly axis: number;
  /** Default 1. */
  readonly num_axes: number;
  readonly filler: FillerParameter | null;
  /** Default false. */
  readonly channel_shared: boolean;
}

export interface ContrastiveLossParameter {
  /** Default 1. */
  readonly margin: number;
  /** Default false. */
  readonly legacy_version: boolean;
}

export interface ConvolutionParameter {
  readonly num_output: number;
  /** Default true. */
  readonly bias_term: boolean;
  readonly pad: readonly number[];
  readonly kernel_size: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Default 0. */
  readonly pad_h: number;
  /** Default 0. */
  readonly pad_w: number;
  readonly kernel_h: number;
  readonly kernel_w: number;
  readonly stride_h: number;
  readonly stride_w: number;
  /** Default 1. */
  readonly group: number;
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
  /** Default DEFAULT. */
  readonly engine: ConvolutionParameter_Engine;
  /** Default 1. */
  readonly axis: number;
  /** Default false. */
  readonly force_nd_im2col: boolean;
  readonly hole: readonly number[];
  readonly hole_h: number;
  readonly hole_w: number;
  readonly dilation_h: number;
  readonly dilation_w: number;
  /** Default false. */
  readonly relu: boolean;
  /** Default 0. */
  readonly negative_slope: number;
  readonly kernel_shape: BlobShape | null;
  readonly stride_shape: BlobShape | null;
  readonly pad_shape: BlobShape | null;
  readonly kernel_depth: number;
  /** Default 1. */
  readonly temporal_stride: number;
  /** Default 0. */
  readonly temporal_pad: number;
  /** Default 1. */
  readonly filter_group: number;
  readonly kernel_l: number;
  /** Default 1. */
  readonly stride_l: number;
  /** Default 0. */
  readonly pad_l: number;
  readonly kstride: number;
  readonly kstride_h: number;
  readonly kstride_w: number;
  readonly kernel_d: number;
  readonly stride_d: number;
  readonly pad_d: number;
  readonly kstride_d: number;
}

export const ConvolutionParameter_Engine = {
  DEFAULT: 0,
  CAFFE: 1,
  CUDNN: 2,
} as const;
export type ConvolutionParameter_Engine = (typeof ConvolutionParameter_Engine)[keyof typeof ConvolutionParameter_Engine];

export interface CropParameter {
  /** Default 2. */
  readonly axis: number;
  readonly offset: readonly number[];
}

export interface DataParameter {
  readonly source: string;
  readonly batch_size: number;
  /** Default 0. */
  readonly rand_skip: number;
  /** Default LEVELDB. */
  readonly backend: DataParameter_DB;
  /** Default 1. */
  readonly scale: number;
  readonly mean_file: string;
  /** Default 0. */
  readonly crop_size: number;
  /** Default false. */
  readonly mirror: boolean;
  /** Default false. */
  readonly force_encoded_color: boolean;
  /** Default 4. */
  readonly prefetch: number;
}

export const DataParameter_DB = {
  LEVELDB: 0,
  LMDB: 1,
} as const;
export type DataParameter_DB = (typeof DataParameter_DB)[keyof typeof DataParameter_DB];

export interface DropoutParameter {
  /** Default 0.5. */
  readonly dropout_ratio: number;
  /** Default true. */
  readonly scale_train: boolean;
  /** Default false. */
  readonly sample_weights_test: boolean;
}

export interface DummyDataParameter {
  readonly data_filler: readonly FillerParameter[];
  readonly shape: readonly BlobShape[];
  readonly num: readonly number[];
  readonly channels: readonly number[];
  readonly height: readonly number[];
  readonly width: readonly number[];
}

export interface EltwiseParameter {
  /** Default SUM. */
  readonly operation: EltwiseParameter_EltwiseOp;
  readonly coeff: readonly number[];
  /** Default true. */
  readonly stable_prod_grad: boolean;
  /** Default false. */
  readonly coeff_blob: boolean;
}

export const EltwiseParameter_EltwiseOp = {
  PROD: 0,
  SUM: 1,
  MAX: 2,
} as const;
export type EltwiseParameter_EltwiseOp = (typeof EltwiseParameter_EltwiseOp)[keyof typeof EltwiseParameter_EltwiseOp];

export interface ELUParameter {
  /** Default 1. */
  readonly alpha: number;
}

export interface EmbedParameter {
  readonly num_output: number;
  readonly input_dim: number;
  /** Default true. */
  readonly bias_term: boolean;
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
}

export interface ExpParameter {
  /** Default -1. */
  readonly base: number;
  /** Default 1. */
  readonly scale: number;
  /** Default 0. */
  readonly shift: number;
}

export interface FlattenParameter {
  /** Default 1. */
  readonly axis: number;
  /** Default -1. */
  readonly end_axis: number;
}

export interface HDF5DataParameter {
  readonly source: string;
  readonly batch_size: number;
  /** Default false. */
  readonly shuffle: boolean;
}

export interface HDF5OutputParameter {
  readonly file_name: string;
}

export interface HingeLossParameter {
  /** Default L1. */
  readonly norm: HingeLossParameter_Norm;
}

export const HingeLossParameter_Norm = {
  L1: 1,
  L2: 2,
} as const;
export type HingeLossParameter_Norm = (typeof HingeLossParameter_Norm)[keyof typeof HingeLossParameter_Norm];

export interface ImageDataParameter {
  readonly source: string;
  /** Default 1. */
  readonly batch_size: number;
  /** Default 0. */
  readonly rand_skip: number;
  /** Default false. */
  readonly shuffle: boolean;
  /** Default 0. */
  readonly new_height: number;
  /** Default 0. */
  readonly new_width: number;
  /** Default true. */
  readonly is_color: boolean;
  /** Default 1. */
  readonly scale: number;
  readonly mean_file: string;
  /** Default 0. */
  readonly crop_size: number;
  /** Default false. */
  readonly mirror: boolean;
  /** Default "". */
  readonly root_folder: string;
  /** Default 1. */
  readonly label_dim: number;
  /** Default 255. */
  readonly ignore_label: number;
}

export interface InfogainLossParameter {
  readonly source: string;
  /** Default 1. */
  readonly axis: number;
}

export interface InnerProductParameter {
  readonly num_output: number;
  /** Default true. */
  readonly bias_term: boolean;
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
  /** Default 1. */
  readonly axis: number;
  /** Default false. */
  readonly transpose: boolean;
  /** Default false. */
  readonly normalize: boolean;
}

export interface InputParameter {
  readonly shape: readonly BlobShape[];
}

export interface LogParameter {
  /** Default -1. */
  readonly base: number;
  /** Default 1. */
  readonly scale: number;
  /** Default 0. */
  readonly shift: number;
}

export interface LRNParameter {
  /** Default 5. */
  readonly local_size: number;
  /** Default 1. */
  readonly alpha: number;
  /** Default 0.75. */
  readonly beta: number;
  /** Default ACROSS_CHANNELS. */
  readonly norm_region: LRNParameter_NormRegion;
  /** Default 1. */
  readonly k: number;
  /** Default DEFAULT. */
  readonly engine: LRNParameter_Engine;
}

export const LRNParameter_NormRegion = {
  ACROSS_CHANNELS: 0,
  WITHIN_CHANNEL: 1,
} as const;
export type LRNParameter_NormRegion = (typeof LRNParameter_NormRegion)[keyof typeof LRNParameter_NormRegion];

export const LRNParameter_Engine = {
  DEFAULT: 0,
  CAFFE: 1,
  CUDNN: 2,
} as const;
export type LRNParameter_Engine = (typeof LRNParameter_Engine)[keyof typeof LRNParameter_Engine];

export interface MemoryDataParameter {
  readonly batch_size: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly dim: readonly number[];
}

export interface MVNParameter {
  /** Default true. */
  readonly normalize_variance: boolean;
  /** Default false. */
  readonly across_channels: boolean;
  /** Default 1e-9. */
  readonly eps: number;
}

export interface ParameterParameter {
  readonly shape: BlobShape | null;
  readonly blob_filler: FillerParameter | null;
}

export interface PoolingParameter {
  /** Default MAX. */
  readonly pool: PoolingParameter_PoolMethod;
  /** Default 0. */
  readonly pad: number;
  /** Default 0. */
  readonly pad_h: number;
  /** Default 0. */
  readonly pad_w: number;
  readonly kernel_size: number;
  readonly kernel_h: number;
  readonly kernel_w: number;
  /** Default 1. */
  readonly stride: number;
  readonly stride_h: number;
  readonly stride_w: number;
  /** Default DEFAULT. */
  readonly engine: PoolingParameter_Engine;
  /** Default false. */
  readonly global_pooling: boolean;
  /** Default CEIL. */
  readonly round_mode: PoolingParameter_RoundMode;
  /** Default true. */
  readonly ceil_mode: boolean;
  /** Default true. */
  readonly avg_include_pad: boolean;
  readonly kernel_shape: BlobShape | null;
  readonly stride_shape: BlobShape | null;
  readonly pad_shape: BlobShape | null;
  /** Default 0. */
  readonly kernel_depth: number;
  /** Default 1. */
  readonly temporal_stride: number;
  readonly kernel_l: number;
  /** Default 1. */
  readonly stride_l: number;
  /** Default 0. */
  readonly pad_l: number;
  readonly dilation: readonly number[];
  readonly kstride: number;
  readonly kstride_h: number;
  readonly kstride_w: number;
  readonly kernel_d: number;
  readonly stride_d: number;
  readonly pad_d: number;
  readonly kstride_d: number;
}

export const PoolingParameter_PoolMethod = {
  MAX: 0,
  AVE: 1,
  STOCHASTIC: 2,
} as const;
export type PoolingParameter_PoolMethod = (typeof PoolingParameter_PoolMethod)[keyof typeof PoolingParameter_PoolMethod];

export const PoolingParameter_Engine = {
  DEFAULT: 0,
  CAFFE: 1,
  CUDNN: 2,
} as const;
export type PoolingParameter_Engine = (typeof PoolingParameter_Engine)[keyof typeof PoolingParameter_Engine];

export const PoolingParameter_RoundMode = {
  CEIL: 0,
  FLOOR: 1,
} as const;
export type PoolingParameter_RoundMode = (typeof PoolingParameter_RoundMode)[keyof typeof PoolingParameter_RoundMode];

export interface PowerParameter {
  /** Default 1. */
  readonly power: number;
  /** Default 1. */
  readonly scale: number;
  /** Default 0. */
  readonly shift: number;
}

export interface PythonParameter {
  readonly module: string;
  readonly layer: string;
  /** Default "". */
  readonly param_str: string;
  /** Default false. */
  readonly share_in_parallel: boolean;
}

export interface RecurrentParameter {
  /** Default 0. */
  readonly num_output: number;
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
  /** Default false. */
  readonly debug_info: boolean;
  /** Default false. */
  readonly expose_hidden: boolean;
}

export interface ReductionParameter {
  /** Default SUM. */
  readonly operation: ReductionParameter_ReductionOp;
  /** Default 0. */
  readonly axis: number;
  /** Default 1. */
  readonly coeff: number;
}

export const ReductionParameter_ReductionOp = {
  SUM: 1,
  ASUM: 2,
  SUMSQ: 3,
  MEAN: 4,
} as const;
export type ReductionParameter_ReductionOp = (typeof ReductionParameter_ReductionOp)[keyof typeof ReductionParameter_ReductionOp];

export interface ReLUParameter {
  /** Default 0. */
  readonly negative_slope: number;
  /** Default DEFAULT. */
  readonly engine: ReLUParameter_Engine;
}

export const ReLUParameter_Engine = {
  DEFAULT: 0,
  CAFFE: 1,
  CUDNN: 2,
} as const;
export type ReLUParameter_Engine = (typeof ReLUParameter_Engine)[keyof typeof ReLUParameter_Engine];

export interface ReshapeParameter {
  readonly shape: BlobShape | null;
  /** Default 0. */
  readonly axis: number;
  /** Default -1. */
  readonly num_axes: number;
}

export interface ScaleParameter {
  /** Default 1. */
  readonly axis: number;
  /** Default 1. */
  readonly num_axes: number;
  readonly filler: FillerParameter | null;
  /** Default false. */
  readonly bias_term: boolean;
  readonly bias_filler: FillerParameter | null;
}

export interface SigmoidParameter {
  /** Default DEFAULT. */
  readonly engine: SigmoidParameter_Engine;
}

export const SigmoidParameter_Engine = {
  DEFAULT: 0,
  CAFFE: 1,
  CUDNN: 2,
} as const;
export type SigmoidParameter_Engine = (typeof SigmoidParameter_Engine)[keyof typeof SigmoidParameter_Engine];

export interface SliceParameter {
  /** Default 1. */
  readonly axis: number;
  readonly slice_point: readonly number[];
  /** Default 1. */
  readonly slice_dim: number;
}

export interface SoftmaxParameter {
  /** Default DEFAULT. */
  readonly engine: SoftmaxParameter_Engine;
  /** Default 1. */
  readonly axis: number;
}

export const SoftmaxParameter_Engine = {
  DEFAULT: 0,
  CAFFE: 1,
  CUDNN: 2,
} as const;
export type SoftmaxParameter_Engine = (typeof SoftmaxParameter_Engine)[keyof typeof SoftmaxParameter_Engine];

export interface SwishParameter {
  /** Default 1. */
  readonly beta: number;
}

export interface TanHParameter {
  /** Default DEFAULT. */
  readonly engine: TanHParameter_Engine;
}

export const TanHParameter_Engine = {
  DEFAULT: 0,
  CAFFE: 1,
  CUDNN: 2,
} as const;
export type TanHParameter_Engine = (typeof TanHParameter_Engine)[keyof typeof TanHParameter_Engine];

export interface TileParameter {
  /** Default 1. */
  readonly axis: number;
  readonly tiles: number;
}

export interface ThresholdParameter {
  /** Default 0. */
  readonly threshold: number;
}

export interface WindowDataParameter {
  readonly source: string;
  /** Default 1. */
  readonly scale: number;
  readonly mean_file: string;
  readonly batch_size: number;
  /** Default 0. */
  readonly crop_size: number;
  /** Default false. */
  readonly mirror: boolean;
  /** Default 0.5. */
  readonly fg_threshold: number;
  /** Default 0.5. */
  readonly bg_threshold: number;
  /** Default 0.25. */
  readonly fg_fraction: number;
  /** Default 0. */
  readonly context_pad: number;
  /** Default "warp". */
  readonly crop_mode: string;
  /** Default false. */
  readonly cache_images: boolean;
  /** Default "". */
  readonly root_folder: string;
}

export interface SPPParameter {
  readonly pyramid_height: number;
  /** Default MAX. */
  readonly pool: SPPParameter_PoolMethod;
  /** Default DEFAULT. */
  readonly engine: SPPParameter_Engine;
}

export const SPPParameter_PoolMethod = {
  MAX: 0,
  AVE: 1,
  STOCHASTIC: 2,
} as const;
export type SPPParameter_PoolMethod = (typeof SPPParameter_PoolMethod)[keyof typeof SPPParameter_PoolMethod];

export const SPPParameter_Engine = {
  DEFAULT: 0,
  CAFFE: 1,
  CUDNN: 2,
} as const;
export type SPPParameter_Engine = (typeof SPPParameter_Engine)[keyof typeof SPPParameter_Engine];

export interface PReLUParameter {
  readonly filler: FillerParameter | null;
  /** Default false. */
  readonly channel_shared: boolean;
}

export interface V1LayerParameter {
  readonly bottom: readonly string[];
  readonly top: readonly string[];
  readonly name: string;
  readonly include: readonly NetStateRule[];
  readonly exclude: readonly NetStateRule[];
  readonly type: V1LayerParameter_LayerType;
  readonly blobs: readonly BlobProto[];
  readonly param: readonly string[];
  readonly blob_share_mode: readonly V1LayerParameter_DimCheckMode[];
  readonly blobs_lr: readonly number[];
  readonly weight_decay: readonly number[];
  readonly loss_weight: readonly number[];
  readonly accuracy_param: AccuracyParameter | null;
  readonly argmax_param: ArgMaxParameter | null;
  readonly concat_param: ConcatParameter | null;
  readonly contrastive_loss_param: ContrastiveLossParameter | null;
  readonly convolution_param: ConvolutionParameter | null;
  readonly data_param: DataParameter | null;
  readonly dropout_param: DropoutParameter | null;
  readonly dummy_data_param: DummyDataParameter | null;
  readonly eltwise_param: EltwiseParameter | null;
  readonly exp_param: ExpParameter | null;
  readonly hdf5_data_param: HDF5DataParameter | null;
  readonly hdf5_output_param: HDF5OutputParameter | null;
  readonly hinge_loss_param: HingeLossParameter | null;
  readonly image_data_param: ImageDataParameter | null;
  readonly infogain_loss_param: InfogainLossParameter | null;
  readonly inner_product_param: InnerProductParameter | null;
  readonly lrn_param: LRNParameter | null;
  readonly memory_data_param: MemoryDataParameter | null;
  readonly mvn_param: MVNParameter | null;
  readonly pooling_param: PoolingParameter | null;
  readonly power_param: PowerParameter | null;
  readonly relu_param: ReLUParameter | null;
  readonly sigmoid_param: SigmoidParameter | null;
  readonly softmax_param: SoftmaxParameter | null;
  readonly slice_param: SliceParameter | null;
  readonly tanh_param: TanHParameter | null;
  readonly threshold_param: ThresholdParameter | null;
  readonly window_data_param: WindowDataParameter | null;
  readonly transform_param: TransformationParameter | null;
  readonly loss_param: LossParameter | null;
  readonly layer: V0LayerParameter | null;
}

export const V1LayerParameter_LayerType = {
  NONE: 0,
  ABSVAL: 35,
  ACCURACY: 1,
  ARGMAX: 30,
  BNLL: 2,
  CONCAT: 3,
  CONTRASTIVE_LOSS: 37,
  CONVOLUTION: 4,
  DATA: 5,
  DECONVOLUTION: 39,
  DROPOUT: 6,
  DUMMY_DATA: 32,
  EUCLIDEAN_LOSS: 7,
  ELTWISE: 25,
  EXP: 38,
  FLATTEN: 8,
  HDF5_DATA: 9,
  HDF5_OUTPUT: 10,
  HINGE_LOSS: 28,
  IM2COL: 11,
  IMAGE_DATA: 12,
  INFOGAIN_LOSS: 13,
  INNER_PRODUCT: 14,
  LRN: 15,
  MEMORY_DATA: 29,
  MULTINOMIAL_LOGISTIC_LOSS: 16,
  MVN: 34,
  POOLING: 17,
  POWER: 26,
  RELU: 18,
  SIGMOID: 19,
  SIGMOID_CROSS_ENTROPY_LOSS: 27,
  SILENCE: 36,
  SOFTMAX: 20,
  SOFTMAX_LOSS: 21,
  SPLIT: 22,
  SLICE: 33,
  TANH: 23,
  WINDOW_DATA: 24,
  THRESHOLD: 31,
} as const;
export type V1LayerParameter_LayerType = (typeof V1LayerParameter_LayerType)[keyof typeof V1LayerParameter_LayerType];

export const V1LayerParameter_DimCheckMode = {
  STRICT: 0,
  PERMISSIVE: 1,
} as const;
export type V1LayerParameter_DimCheckMode = (typeof V1LayerParameter_DimCheckMode)[keyof typeof V1LayerParameter_DimCheckMode];

export interface V0LayerParameter {
  readonly name: string;
  readonly type: string;
  readonly num_output: number;
  /** Default true. */
  readonly biasterm: boolean;
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
  /** Default 0. */
  readonly pad: number;
  readonly kernelsize: number;
  /** Default 1. */
  readonly group: number;
  /** Default 1. */
  readonly stride: number;
  /** Default MAX. */
  readonly pool: V0LayerParameter_PoolMethod;
  /** Default 0.5. */
  readonly dropout_ratio: number;
  /** Default 5. */
  readonly local_size: number;
  /** Default 1. */
  readonly alpha: number;
  /** Default 0.75. */
  readonly beta: number;
  /** Default 1. */
  readonly k: number;
  readonly source: string;
  /** Default 1. */
  readonly scale: number;
  readonly meanfile: string;
  readonly batchsize: number;
  /** Default 0. */
  readonly cropsize: number;
  /** Default false. */
  readonly mirror: boolean;
  readonly blobs: readonly BlobProto[];
  readonly blobs_lr: readonly number[];
  readonly weight_decay: readonly number[];
  /** Default 0. */
  readonly rand_skip: number;
  /** Default 0.5. */
  readonly det_fg_threshold: number;
  /** Default 0.5. */
  readonly det_bg_threshold: number;
  /** Default 0.25. */
  readonly det_fg_fraction: number;
  /** Default 0. */
  readonly det_context_pad: number;
  /** Default "warp". */
  readonly det_crop_mode: string;
  /** Default 0. */
  readonly new_num: number;
  /** Default 0. */
  readonly new_channels: number;
  /** Default 0. */
  readonly new_height: number;
  /** Default 0. */
  readonly new_width: number;
  /** Default false. */
  readonly shuffle_images: boolean;
  /** Default 1. */
  readonly concat_dim: number;
  readonly hdf5_output_param: HDF5OutputParameter | null;
}

export const V0LayerParameter_PoolMethod = {
  MAX: 0,
  AVE: 1,
  STOCHASTIC: 2,
} as const;
export type V0LayerParameter_PoolMethod = (typeof V0LayerParameter_PoolMethod)[keyof typeof V0LayerParameter_PoolMethod];

export interface NormalizedBBox {
  readonly xmin: number;
  readonly ymin: number;
  readonly xmax: number;
  readonly ymax: number;
  readonly label: number;
  readonly difficult: boolean;
  readonly score: number;
  readonly size: number;
}

export interface Annotation {
  /** Default 0. */
  readonly instance_id: number;
  readonly bbox: NormalizedBBox | null;
}

export interface AnnotationGroup {
  readonly group_label: number;
  readonly annotation: readonly Annotation[];
}

export interface AnnotatedDatum {
  readonly datum: Datum | null;
  readonly type: AnnotatedDatum_AnnotationType;
  readonly annotation_group: readonly AnnotationGroup[];
}

export const AnnotatedDatum_AnnotationType = {
  BBOX: 0,
} as const;
export type AnnotatedDatum_AnnotationType = (typeof AnnotatedDatum_AnnotationType)[keyof typeof AnnotatedDatum_AnnotationType];

export interface LabelMapItem {
  readonly name: string;
  readonly label: number;
  readonly display_name: string;
}

export interface LabelMap {
  readonly item: readonly LabelMapItem[];
}

export interface DistortionParameter {
  /** Default 0. */
  readonly brightness_prob: number;
  /** Default 0. */
  readonly brightness_delta: number;
  /** Default 0. */
  readonly contrast_prob: number;
  /** Default 0. */
  readonly contrast_lower: number;
  /** Default 0. */
  readonly contrast_upper: number;
  /** Default 0. */
  readonly hue_prob: number;
  /** Default 0. */
  readonly hue_delta: number;
  /** Default 0. */
  readonly saturation_prob: number;
  /** Default 0. */
  readonly saturation_lower: number;
  /** Default 0. */
  readonly saturation_upper: number;
  /** Default 0. */
  readonly random_order_prob: number;
}

export interface ExpansionParameter {
  /** Default 1. */
  readonly prob: number;
  /** Default 1. */
  readonly max_expand_ratio: number;
}

export interface EmitConstraint {
  /** Default CENTER. */
  readonly emit_type: EmitConstraint_EmitType;
  readonly emit_overlap: number;
}

export const EmitConstraint_EmitType = {
  CENTER: 0,
  MIN_OVERLAP: 1,
} as const;
export type EmitConstraint_EmitType = (typeof EmitConstraint_EmitType)[keyof typeof EmitConstraint_EmitType];

export interface AnnotatedDataParameter {
  readonly batch_sampler: readonly BatchSampler[];
  readonly label_map_file: string;
  readonly anno_type: AnnotatedDataParameter_AnnotationType;
  /** Default 0. */
  readonly yolo_data_type: number;
  /** Default 0.3. */
  readonly yolo_data_jitter: number;
}

export const AnnotatedDataParameter_AnnotationType = {
  BBOX: 0,
} as const;
export type AnnotatedDataParameter_AnnotationType = (typeof AnnotatedDataParameter_AnnotationType)[keyof typeof AnnotatedDataParameter_AnnotationType];

export interface BatchSampler {
  /** Default true. */
  readonly use_original_image: boolean;
  readonly sampler: Sampler | null;
  readonly sample_constraint: SampleConstraint | null;
  readonly max_sample: number;
  /** Default 100. */
  readonly max_trials: number;
}

export interface Sampler {
  /** Default 1. */
  readonly min_scale: number;
  /** Default 1. */
  readonly max_scale: number;
  /** Default 1. */
  readonly min_aspect_ratio: number;
  /** Default 1. */
  readonly max_aspect_ratio: number;
}

export interface SampleConstraint {
  readonly min_jaccard_overlap: number;
  readonly max_jaccard_overlap: number;
  readonly min_sample_coverage: number;
  readonly max_sample_coverage: number;
  readonly min_object_coverage: number;
  readonly max_object_coverage: number;
}

export interface ResizeParameter {
  /** Default 1. */
  readonly prob: number;
  /** Default WARP. */
  readonly resize_mode: ResizeParameter_Resize_mode;
  /** Default 0. */
  readonly height: number;
  /** Default 0. */
  readonly width: number;
  /** Default 0. */
  readonly height_scale: number;
  /** Default 0. */
  readonly width_scale: number;
  /** Default CONSTANT. */
  readonly pad_mode: ResizeParameter_Pad_mode;
  readonly pad_value: readonly number[];
  readonly interp_mode: readonly ResizeParameter_Interp_mode[];
}

export const ResizeParameter_Resize_mode = {
  WARP: 1,
  FIT_SMALL_SIZE: 2,
  FIT_LARGE_SIZE_AND_PAD: 3,
} as const;
export type ResizeParameter_Resize_mode = (typeof ResizeParameter_Resize_mode)[keyof typeof ResizeParameter_Resize_mode];

export const ResizeParameter_Pad_mode = {
  CONSTANT: 1,
  MIRRORED: 2,
  REPEAT_NEAREST: 3,
} as const;
export type ResizeParameter_Pad_mode = (typeof ResizeParameter_Pad_mode)[keyof typeof ResizeParameter_Pad_mode];

export const ResizeParameter_Interp_mode = {
  LINEAR: 1,
  AREA: 2,
  NEAREST: 3,
  CUBIC: 4,
  LANCZOS4: 5,
} as const;
export type ResizeParameter_Interp_mode = (typeof ResizeParameter_Interp_mode)[keyof typeof ResizeParameter_Interp_mode];

export interface NoiseParameter {
  /** Default 0. */
  readonly prob: number;
  /** Default false. */
  readonly hist_eq: boolean;
  /** Default false. */
  readonly inverse: boolean;
  /** Default false. */
  readonly decolorize: boolean;
  /** Default false. */
  readonly gauss_blur: boolean;
  /** Default -1. */
  readonly jpeg: number;
  /** Default false. */
  readonly posterize: boolean;
  /** Default false. */
  readonly erode: boolean;
  /** Default false. */
  readonly saltpepper: boolean;
  readonly saltpepper_param: SaltPepperParameter | null;
  /** Default false. */
  readonly clahe: boolean;
  /** Default false. */
  readonly convert_to_hsv: boolean;
  /** Default false. */
  readonly convert_to_lab: boolean;
}

export interface SaltPepperParameter {
  /** Default 0. */
  readonly fraction: number;
  readonly value: readonly number[];
}

export interface NonMaximumSuppressionParameter {
  /** Default 0.3. */
  readonly nms_threshold: number;
  readonly top_k: number;
  /** Default 1. */
  readonly eta: number;
}

export interface SaveOutputParameter {
  readonly output_directory: string;
  readonly output_name_prefix: string;
  readonly output_format: string;
  readonly label_map_file: string;
  readonly name_size_file: string;
  readonly num_test_image: number;
  readonly resize_param: ResizeParameter | null;
}

export interface DetectionEvaluateParameter {
  readonly num_classes: number;
  /** Default 0. */
  readonly background_label_id: number;
  /** Default 0.5. */
  readonly overlap_threshold: number;
  /** Default true. */
  readonly evaluate_difficult_gt: boolean;
  readonly name_size_file: string;
  readonly resize_param: ResizeParameter | null;
}

export interface DetectionOutputParameter {
  readonly num_classes: number;
  /** Default true. */
  readonly share_location: boolean;
  /** Default 0. */
  readonly background_label_id: number;
  readonly nms_param: NonMaximumSuppressionParameter | null;
  readonly save_output_param: SaveOutputParameter | null;
  /** Default CORNER. */
  readonly code_type: PriorBoxParameter_CodeType;
  /** Default false. */
  readonly variance_encoded_in_target: boolean;
  /** Default -1. */
  readonly keep_top_k: number;
  readonly confidence_threshold: number;
  /** Default false. */
  readonly visualize: boolean;
  readonly visualize_threshold: number;
  readonly save_file: string;
  /** Default 0.01. */
  readonly objectness_score: number;
  /** Default true. */
  readonly normalized: boolean;
  /** Default -1. */
  readonly input_width: number;
  /** Default -1. */
  readonly input_height: number;
}

export interface MultiBoxLossParameter {
  /** Default SMOOTH_L1. */
  readonly loc_loss_type: MultiBoxLossParameter_LocLossType;
  /** Default SOFTMAX. */
  readonly conf_loss_type: MultiBoxLossParameter_ConfLossType;
  /** Default 1. */
  readonly loc_weight: number;
  readonly num_classes: number;
  /** Default true. */
  readonly share_location: boolean;
  /** Default PER_PREDICTION. */
  readonly match_type: MultiBoxLossParameter_MatchType;
  /** Default 0.5. */
  readonly overlap_threshold: number;
  /** Default true. */
  readonly use_prior_for_matching: boolean;
  /** Default 0. */
  readonly background_label_id: number;
  /** Default true. */
  readonly use_difficult_gt: boolean;
  readonly do_neg_mining: boolean;
  /** Default 3. */
  readonly neg_pos_ratio: number;
  /** Default 0.5. */
  readonly neg_overlap: number;
  /** Default CORNER. */
  readonly code_type: PriorBoxParameter_CodeType;
  /** Default false. */
  readonly encode_variance_in_target: boolean;
  /** Default false. */
  readonly map_object_to_agnostic: boolean;
  /** Default false. */
  readonly ignore_cross_boundary_bbox: boolean;
  /** Default false. */
  readonly bp_inside: boolean;
  /** Default MAX_NEGATIVE. */
  readonly mining_type: MultiBoxLossParameter_MiningType;
  readonly nms_param: NonMaximumSuppressionParameter | null;
  /** Default 64. */
  readonly sample_size: number;
  /** Default false. */
  readonly use_prior_for_nms: boolean;
  /** Default 0.01. */
  readonly objectness_score: number;
}

export const MultiBoxLossParameter_LocLossType = {
  L2: 0,
  SMOOTH_L1: 1,
} as const;
export type MultiBoxLossParameter_LocLossType = (typeof MultiBoxLossParameter_LocLossType)[keyof typeof MultiBoxLossParameter_LocLossType];

export const MultiBoxLossParameter_ConfLossType = {
  SOFTMAX: 0,
  LOGISTIC: 1,
} as const;
export type MultiBoxLossParameter_ConfLossType = (typeof MultiBoxLossParameter_ConfLossType)[keyof typeof MultiBoxLossParameter_ConfLossType];

export const MultiBoxLossParameter_MatchType = {
  BIPARTITE: 0,
  PER_PREDICTION: 1,
} as const;
export type MultiBoxLossParameter_MatchType = (typeof MultiBoxLossParameter_MatchType)[keyof typeof MultiBoxLossParameter_MatchType];

export const MultiBoxLossParameter_MiningType = {
  NONE: 0,
  MAX_NEGATIVE: 1,
  HARD_EXAMPLE: 2,
} as const;
export type MultiBoxLossParameter_MiningType = (typeof MultiBoxLossParameter_MiningType)[keyof typeof MultiBoxLossParameter_MiningType];

export interface NormalizeParameter {
  /** Default true. */
  readonly across_spatial: boolean;
  readonly scale_filler: FillerParameter | null;
  /** Default true. */
  readonly channel_shared: boolean;
  /** Default 1e-10. */
  readonly eps: number;
}

export interface PermuteParameter {
  readonly order: readonly number[];
}

export interface PriorBoxParameter {
  readonly min_size: readonly number[];
  readonly max_size: readonly number[];
  readonly aspect_ratio: readonly number[];
  /** Default true. */
  readonly flip: boolean;
  /** Default false. */
  readonly clip: boolean;
  readonly variance: readonly number[];
  readonly img_size: number;
  readonly img_h: number;
  readonly img_w: number;
  readonly step: number;
  readonly step_h: number;
  readonly step_w: number;
  /** Default 0.5. */
  readonly offset: number;
  readonly fixed_size: readonly number[];
  readonly fixed_ratio: readonly number[];
  readonly density: readonly number[];
}

export const PriorBoxParameter_CodeType = {
  CORNER: 1,
  CENTER_SIZE: 2,
  CORNER_SIZE: 3,
} as const;
export type PriorBoxParameter_CodeType = (typeof PriorBoxParameter_CodeType)[keyof typeof PriorBoxParameter_CodeType];

export interface VideoDataParameter {
  /** Default WEBCAM. */
  readonly video_type: VideoDataParameter_VideoType;
  /** Default 0. */
  readonly device_id: number;
  readonly video_file: string;
  /** Default 0. */
  readonly skip_frames: number;
}

export const VideoDataParameter_VideoType = {
  WEBCAM: 0,
  VIDEO: 1,
} as const;
export type VideoDataParameter_VideoType = (typeof VideoDataParameter_VideoType)[keyof typeof VideoDataParameter_VideoType];

export interface BNParameter {
  readonly scale_filler: FillerParameter | null;
  readonly shift_filler: FillerParameter | null;
  /** Default LEARN. */
  readonly bn_mode: BNParameter_BNMode;
  readonly slope_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
  /** Default 0.9. */
  readonly momentum: number;
  /** Default 0.00001. */
  readonly eps: number;
  /** Default false. */
  readonly frozen: boolean;
  /** Default DEFAULT. */
  readonly engine: BNParameter_Engine;
  /** Default 1e-10. */
  readonly var_eps: number;
  /** Default 0.95. */
  readonly decay: number;
  /** Default true. */
  readonly moving_average: boolean;
}

export const BNParameter_BNMode = {
  LEARN: 0,
  INFERENCE: 1,
} as const;
export type BNParameter_BNMode = (typeof BNParameter_BNMode)[keyof typeof BNParameter_BNMode];

export const BNParameter_Engine = {
  DEFAULT: 0,
  CAFFE: 1,
  CUDNN: 2,
} as const;
export type BNParameter_Engine = (typeof BNParameter_Engine)[keyof typeof BNParameter_Engine];

export interface UpsampleParameter {
  /** Default 2. */
  readonly scale: number;
  readonly scale_h: number;
  readonly scale_w: number;
  /** Default false. */
  readonly pad_out_h: boolean;
  /** Default false. */
  readonly pad_out_w: boolean;
  readonly upsample_h: number;
  readonly upsample_w: number;
  readonly stride: number;
  readonly stride_h: number;
  readonly stride_w: number;
}

export interface DenseImageDataParameter {
  readonly source: string;
  /** Default 1. */
  readonly batch_size: number;
  /** Default 0. */
  readonly rand_skip: number;
  /** Default false. */
  readonly shuffle: boolean;
  /** Default 0. */
  readonly new_height: number;
  /** Default 0. */
  readonly new_width: number;
  /** Default true. */
  readonly is_color: boolean;
  /** Default "". */
  readonly root_folder: string;
  /** Default 1. */
  readonly label_divide_factor: number;
}

export interface ROIPoolingParameter {
  /** Default 0. */
  readonly pooled_h: number;
  /** Default 0. */
  readonly pooled_w: number;
  /** Default 1. */
  readonly spatial_scale: number;
}

export interface ROIAlignParameter {
  /** Default 0. */
  readonly pooled_h: number;
  /** Default 0. */
  readonly pooled_w: number;
  /** Default 1. */
  readonly spatial_scale: number;
  readonly sampling_ratio: number;
}

export interface SmoothL1LossParameter {
  /** Default 1. */
  readonly sigma: number;
}

export interface PSROIPoolingParameter {
  readonly spatial_scale: number;
  readonly output_dim: number;
  readonly group_size: number;
}

export interface BoxAnnotatorOHEMParameter {
  readonly roi_per_img: number;
  /** Default -1. */
  readonly ignore_label: number;
}

export interface ProposalParameter {
  /** Default 16. */
  readonly feat_stride: number;
  /** Default 16. */
  readonly base_size: number;
  /** Default 16. */
  readonly min_size: number;
  readonly ratio: readonly number[];
  readonly scale: readonly number[];
  /** Default 6000. */
  readonly pre_nms_topn: number;
  /** Default 300. */
  readonly post_nms_topn: number;
  /** Default 0.7. */
  readonly nms_thresh: number;
}

export interface InterpParameter {
  /** Default 0. */
  readonly height: number;
  /** Default 0. */
  readonly width: number;
  /** Default 1. */
  readonly zoom_factor: number;
  /** Default 1. */
  readonly shrink_factor: number;
  /** Default 0. */
  readonly pad_beg: number;
  /** Default 0. */
  readonly pad_end: number;
}

export interface ShuffleChannelParameter {
  /** Default 1. */
  readonly group: number;
}

export interface ReorgParameter {
  readonly stride: number;
  /** Default false. */
  readonly reverse: boolean;
}

export interface CTCLossParameter {
  /** Default 0. */
  readonly output_delay: number;
  /** Default -1. */
  readonly blank_index: number;
  /** Default false. */
  readonly preprocess_collapse_repeated: boolean;
  /** Default true. */
  readonly ctc_merge_repeated: boolean;
  /** Default 0. */
  readonly loss_calculation_t: number;
  /** Default 0. */
  readonly alphabet_size: number;
  /** Default 0. */
  readonly time_step: number;
  /** Default 0. */
  readonly blank_label: number;
}

export interface DuplicateParameter {
  /** Default 1. */
  readonly num: number;
}

export interface SpatialDropoutParameter {
  /** Default 0.5. */
  readonly dropout_ratio: number;
  /** Default false. */
  readonly sample_weights_test: boolean;
}

export interface CTCParameter {
  /** Default -1. */
  readonly blank_index: number;
  /** Default false. */
  readonly already_softmax: boolean;
  readonly nct_axis: readonly number[];
}

export interface CTCDecoderParameter {
  /** Default -1. */
  readonly blank_index: number;
  /** Default true. */
  readonly ctc_merge_repeated: boolean;
}

export interface CompactBilinearParameter {
  readonly num_output: number;
  /** Default true. */
  readonly sum_pool: boolean;
}

export interface CombinedMarginParameter {
  /** Default 4. */
  readonly m1: number;
  /** Default 0.5. */
  readonly m2: number;
  /** Default 0.35. */
  readonly m3: number;
  /** Default false. */
  readonly transform_test: boolean;
}

export interface CosinAddmParameter {
  /** Default 0.5. */
  readonly m: number;
  /** Default false. */
  readonly transform_test: boolean;
}

export interface LargeMarginInnerProductParameter {
  readonly num_output: number;
  /** Default SINGLE. */
  readonly type: LargeMarginInnerProductParameter_LargeMarginType;
  readonly weight_filler: FillerParameter | null;
  /** Default 1. */
  readonly axis: number;
  /** Default 1. */
  readonly base: number;
  /** Default 0. */
  readonly gamma: number;
  /** Default 1. */
  readonly power: number;
  /** Default 0. */
  readonly iteration: number;
  /** Default 0. */
  readonly lambda_min: number;
}

export const LargeMarginInnerProductParameter_LargeMarginType = {
  SINGLE: 0,
  DOUBLE: 1,
  TRIPLE: 2,
  QUADRUPLE: 3,
} as const;
export type LargeMarginInnerProductParameter_LargeMarginType = (typeof LargeMarginInnerProductParameter_LargeMarginType)[keyof typeof LargeMarginInnerProductParameter_LargeMarginType];

export interface RegionLossParameter {
  /** Default 13. */
  readonly side: number;
  /** Default 20. */
  readonly num_class: number;
  /** Default 1. */
  readonly bias_match: number;
  /** Default 4. */
  readonly coords: number;
  /** Default 5. */
  readonly num: number;
  /** Default 1. */
  readonly softmax: number;
  /** Default 0.2. */
  readonly jitter: number;
  /** Default 1. */
  readonly rescore: number;
  /** Default 1. */
  readonly object_scale: number;
  /** Default 1. */
  readonly class_scale: number;
  /** Default 0.5. */
  readonly noobject_scale: number;
  /** Default 5. */
  readonly coord_scale: number;
  /** Default 1. */
  readonly absolute: number;
  /** Default 0.2. */
  readonly thresh: number;
  /** Default 1. */
  readonly random: number;
  readonly biases: readonly number[];
  readonly softmax_tree: string;
  readonly class_map: string;
}

export interface Yolov3Parameter {
  /** Default 13. */
  readonly side: number;
  /** Default 20. */
  readonly num_class: number;
  /** Default 5. */
  readonly num: number;
  /** Default 1. */
  readonly object_scale: number;
  /** Default 1. */
  readonly class_scale: number;
  /** Default 0.5. */
  readonly noobject_scale: number;
  /** Default 5. */
  readonly coord_scale: number;
  /** Default 0.2. */
  readonly thresh: number;
  /** Default 32. */
  readonly anchors_scale: number;
  readonly biases: readonly number[];
  readonly mask: readonly number[];
  /** Default false. */
  readonly use_logic_gradient: boolean;
}

export interface CenterLossParameter {
  readonly num_output: number;
  readonly center_filler: FillerParameter | null;
  /** Default 1. */
  readonly axis: number;
}

export interface FocalLossParameter {
  /** Default 0.25. */
  readonly alpha: number;
  /** Default 2. */
  readonly gamma: number;
}

export interface CorrelationParameter {
  /** Default 0. */
  readonly pad: number;
  readonly kernel_size: number;
  readonly max_displacement: number;
  /** Default 1. */
  readonly stride_1: number;
  /** Default 1. */
  readonly stride_2: number;
  /** Default 0. */
  readonly single_direction: number;
  /** Default false. */
  readonly do_abs: boolean;
  /** Default MULTIPLY. */
  readonly correlation_type: CorrelationParameter_CorrelationType;
}

export const CorrelationParameter_CorrelationType = {
  MULTIPLY: 0,
  SUBTRACT: 1,
} as const;
export type CorrelationParameter_CorrelationType = (typeof CorrelationParameter_CorrelationType)[keyof typeof CorrelationParameter_CorrelationType];

export interface JavaDataParameter {
  readonly shape: BlobShape | null;
}

export interface FlowWarpParameter {
  /** Default ZERO. */
  readonly fill_value: FlowWarpParameter_FillParameter;
}

export const FlowWarpParameter_FillParameter = {
  ZERO: 1,
  NOT_A_NUMBER: 2,
} as const;
export type FlowWarpParameter_FillParameter = (typeof FlowWarpParameter_FillParameter)[keyof typeof FlowWarpParameter_FillParameter];

export interface ResampleParameter {
  readonly width: number;
  readonly height: number;
  /** Default LINEAR. */
  readonly type: ResampleParameter_ResampleType;
  /** Default true. */
  readonly antialias: boolean;
  /** Default 1. */
  readonly factor: number;
}

export const ResampleParameter_ResampleType = {
  NEAREST: 1,
  LINEAR: 2,
  CUBIC: 3,
  AREA: 4,
} as const;
export type ResampleParameter_ResampleType = (typeof ResampleParameter_ResampleType)[keyof typeof ResampleParameter_ResampleType];

export interface L1LossParameter {
  /** Default false. */
  readonly l2_per_location: boolean;
  /** Default false. */
  readonly l2_prescale_by_channels: boolean;
  /** Default false. */
  readonly normalize_by_num_entries: boolean;
  /** Default 0.01. */
  readonly epsilon: number;
  /** Default 0. */
  readonly plateau: number;
}

export interface GroupNormParameter {
  /** Default 0.00001. */
  readonly eps: number;
  /** Default 32. */
  readonly group_num: number;
  readonly group_ratio: number;
}

export interface LocalParameter {
  readonly num_output: number;
  /** Default true. */
  readonly bias_term: boolean;
  /** Default 0. */
  readonly pad: number;
  readonly kernel_size: number;
  /** Default 1. */
  readonly stride: number;
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
}

export interface LocallyConnectedParameter {
  readonly num_output: number;
  /** Default true. */
  readonly bias_term: boolean;
  /** Default 0. */
  readonly pad: number;
  readonly kernel_size: number;
  /** Default 1. */
  readonly stride: number;
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
}

export interface ROIWarpingParameter {
  /** Default 0. */
  readonly pooled_h: number;
  /** Default 0. */
  readonly pooled_w: number;
  /** Default 1. */
  readonly spatial_scale: number;
}

export interface MaskResizeParameter {
  readonly output_height: number;
  readonly output_width: number;
}

export interface RankLossParameter {
  /** Default false. */
  readonly allpairs: boolean;
}

export interface LpqLossParameter {
  /** Default false. */
  readonly l2_prescale_by_channels: boolean;
  /** Default false. */
  readonly normalize_by_num_entries: boolean;
  readonly pq_episode_starts_at_iter: readonly number[];
  readonly p: readonly number[];
  readonly q: readonly number[];
  /** Default 0. */
  readonly p_epsilon: number;
  /** Default 0.01. */
  readonly q_epsilon: number;
}

export interface ChannelScaleParameter {
  /** Default true. */
  readonly do_forward: boolean;
  /** Default true. */
  readonly do_backward_feature: boolean;
  /** Default true. */
  readonly do_backward_scale: boolean;
  /** Default false. */
  readonly global_scale: boolean;
}

export interface SPMParameter {
  readonly spm_type: number;
}

export interface DivisionParameter {
  readonly width: number;
  readonly height: number;
  readonly xcoord: readonly number[];
  readonly ycoord: readonly number[];
}

export interface CombinationParameter {
  readonly xcoord: readonly number[];
  readonly ycoord: readonly number[];
}

export interface ImResizeParameter {
  /** Default 368. */
  readonly target_spatial_width: number;
  /** Default 368. */
  readonly target_spatial_height: number;
  /** Default 0. */
  readonly factor: number;
  /** Default 1. */
  readonly start_scale: number;
  /** Default 0.1. */
  readonly scale_gap: number;
}

export interface NmsParameter {
  /** Default 0.5. */
  readonly threshold: number;
  /** Default 20. */
  readonly max_peaks: number;
  /** Default 15. */
  readonly num_parts: number;
}

export interface DeformablePSROIPoolingParameter {
  readonly spatial_scale: number;
  readonly output_dim: number;
  readonly group_size: number;
  /** Default 0. */
  readonly part_size: number;
  /** Default 1. */
  readonly sample_per_part: number;
  /** Default 0. */
  readonly trans_std: number;
  /** Default false. */
  readonly no_trans: boolean;
}

export interface DenseBlockParameter {
  /** Default 40. */
  readonly numTransition: number;
  /** Default 12. */
  readonly growthRate: number;
  readonly Filter_Filler: FillerParameter | null;
  readonly BN_Scaler_Filler: FillerParameter | null;
  readonly BN_Bias_Filler: FillerParameter | null;
  /** Default false. */
  readonly use_dropout: boolean;
  /** Default 0. */
  readonly dropout_amount: number;
  /** Default false. */
  readonly use_BC: boolean;
  /** Default 0.1. */
  readonly moving_average_fraction: number;
}

export interface LabelSpecificAddParameter {
  /** Default 0. */
  readonly bias: number;
  /** Default false. */
  readonly transform_test: boolean;
}

export interface MarginInnerProductParameter {
  readonly num_output: number;
  /** Default SINGLE. */
  readonly type: MarginInnerProductParameter_MarginType;
  readonly weight_filler: FillerParameter | null;
  /** Default 1. */
  readonly axis: number;
  /** Default 1. */
  readonly base: number;
  /** Default 0. */
  readonly gamma: number;
  /** Default 1. */
  readonly power: number;
  /** Default 0. */
  readonly iteration: number;
  /** Default 0. */
  readonly lambda_min: number;
}

export const MarginInnerProductParameter_MarginType = {
  SINGLE: 0,
  DOUBLE: 1,
  TRIPLE: 2,
  QUADRUPLE: 3,
} as const;
export type MarginInnerProductParameter_MarginType = (typeof MarginInnerProductParameter_MarginType)[keyof typeof MarginInnerProductParameter_MarginType];

export interface TripletLossParameter {
  readonly margin: readonly number[];
  /** Default false. */
  readonly intriplet_mining: boolean;
}

export interface IslandLossParameter {
  readonly num_output: number;
  readonly center_filler: FillerParameter | null;
  /** Default 1. */
  readonly axis: number;
  /** Default 1. */
  readonly lambda: number;
}

export interface EltwiseAffineParameter {
  readonly slope_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
  /** Default false. */
  readonly channel_shared: boolean;
}

export interface SoftTruncationParameter {
  /** Default 2. */
  readonly c: number;
}

export interface TruncationParameter {
  /** Default 0. */
  readonly lower_bound: number;
  /** Default 5. */
  readonly upper_bound: number;
}

export interface GeneralContrastiveParameter {
  /** Default 0. */
  readonly positive_margin: number;
  /** Default 1. */
  readonly negative_margin: number;
  /** Default 1. */
  readonly positive_weight: number;
  /** Default 1. */
  readonly negative_weight: number;
  /** Default 0. */
  readonly normalize_negative: number;
  /** Default 4. */
  readonly positive_outlier_thresh: number;
}

export interface RankParameter {
  /** Default 1. */
  readonly neg_num: number;
  /** Default 1. */
  readonly pair_size: number;
  readonly hard_ratio: number;
  readonly rand_ratio: number;
  /** Default 0.5. */
  readonly margin: number;
}

export interface YoloDetectionOutputParameter {
  /** Default 13. */
  readonly side: number;
  /** Default 20. */
  readonly num_classes: number;
  /** Default 5. */
  readonly num_box: number;
  /** Default 4. */
  readonly coords: number;
  /** Default 0.01. */
  readonly confidence_threshold: number;
  /** Default 0.45. */
  readonly nms_threshold: number;
  readonly biases: readonly number[];
  readonly label_map_file: string;
}

export interface Yolov3DetectionOutputParameter {
  /** Default 20. */
  readonly num_classes: number;
  /** Default 3. */
  readonly num_box: number;
  /** Default 0.01. */
  readonly confidence_threshold: number;
  /** Default 0.45. */
  readonly nms_threshold: number;
  readonly biases: readonly number[];
  readonly anchors_scale: readonly number[];
  /** Default 2. */
  readonly mask_group_num: number;
  readonly mask: readonly number[];
}

export interface LayerNormParameter {
  /** Default 0.00001. */
  readonly eps: number;
}

export interface SegAccuracyParameter {
  readonly ignore_label: readonly number[];
  /** Default true. */
  readonly reset: boolean;
}

export interface FaceNormalizeParameter {
  /** Default "L2". */
  readonly normalize_type: string;
  /** Default false. */
  readonly fix_gradient: boolean;
  /** Default false. */
  readonly bp_norm: boolean;
}

export interface InnerDistanceParameter {
  readonly num_output: number;
  /** Default false. */
  readonly bias_term: boolean;
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
  /** Default 1. */
  readonly axis: number;
  /** Default "L2". */
  readonly distance_type: string;
  /** Default false. */
  readonly normalize: boolean;
}

export interface LabelSpecificRescaleParameter {
  /** Default 1. */
  readonly positive_weight: number;
  /** Default 1. */
  readonly negative_weight: number;
  /** Default false. */
  readonly rescale_test: boolean;
  /** Default false. */
  readonly for_ip: boolean;
  /** Default false. */
  readonly bias_fix: boolean;
}

export interface LabelSpecificMarginParameter {
  /** Default 0. */
  readonly margin_base: number;
  /** Default 10. */
  readonly margin_max: number;
  /** Default 1. */
  readonly power: number;
  /** Default 1. */
  readonly gamma: number;
  /** Default 0. */
  readonly iteration: number;
  /** Default false. */
  readonly reset_margin: boolean;
  /** Default false. */
  readonly margin_on_test: boolean;
  /** Default false. */
  readonly auto_tune: boolean;
  /** Default HARD. */
  readonly type: LabelSpecificMarginParameter_MarginType;
  /** Default false. */
  readonly pass_bp: boolean;
}

export const LabelSpecificMarginParameter_MarginType = {
  HARD: 0,
  SOFT: 1,
} as const;
export type LabelSpecificMarginParameter_MarginType = (typeof LabelSpecificMarginParameter_MarginType)[keyof typeof LabelSpecificMarginParameter_MarginType];

export interface LstmParameter {
  readonly num_output: number;
  /** Default 0. */
  readonly clipping_threshold: number;
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
  /** Default 1. */
  readonly batch_size: number;
}

export interface MaxoutParameter {
  readonly chgroup_sz: number;
}

export interface MergeCropParameter {
  readonly forward: readonly number[];
  readonly backward: readonly number[];
  /** Default STACK. */
  readonly operation: MergeCropParameter_MergeOp;
}

export const MergeCropParameter_MergeOp = {
  STACK: 0,
  ADD: 1,
} as const;
export type MergeCropParameter_MergeOp = (typeof MergeCropParameter_MergeOp)[keyof typeof MergeCropParameter_MergeOp];

export interface BunchParameter {
  /** Default 1. */
  readonly bunch_a: number;
  /** Default 1. */
  readonly bunch_b: number;
}

export interface CCCPParameter {
  readonly num_output: number;
  /** Default 1. */
  readonly group: number;
  /** Default true. */
  readonly biasterm: boolean;
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
}

export interface LocalWeightedConvolutionParameter {
  readonly num_output: number;
  /** Default true. */
  readonly bias_term: boolean;
  /** Default 0. */
  readonly pad: number;
  readonly kernel_size: number;
  /** Default 1. */
  readonly stride: number;
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
}

export interface LSTMConvolutionParameter {
  readonly num_output: number;
  /** Default true. */
  readonly bias_term: boolean;
  readonly pad: readonly number[];
  readonly kernel_size: readonly number[];
  /** Default 1. */
  readonly group: number;
  readonly stride: readonly number[];
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
  readonly dilation: readonly number[];
  /** Default "all". */
  readonly type: string;
}

export interface LSTMDebugParameter {
  /** Default false. */
  readonly disable_hadamard: boolean;
  /** Default 3. */
  readonly axis_hadamard: number;
  /** Default 2. */
  readonly num_axes_hadamard: number;
  /** Default false. */
  readonly ignore_x: boolean;
}

export interface PlaneResizeParameter {
  /** Default false. */
  readonly is_pyramid_test: boolean;
  readonly height: number;
  readonly width: number;
  readonly out_height_scale: number;
  readonly out_width_scale: number;
}

export interface HotspotParameter {
  /** Default 1. */
  readonly gaussian_std: number;
  /** Default 0. */
  readonly output_height: number;
  /** Default 0. */
  readonly output_width: number;
  /** Default 0. */
  readonly data_height: number;
  /** Default 0. */
  readonly data_width: number;
  /** Default true. */
  readonly mean_removed: boolean;
}

export interface SubRegionParameter {
  readonly region_height: number;
  readonly region_width: number;
  readonly data_height: number;
  readonly data_width: number;
  /** Default 1. */
  readonly as_dim: number;
}

export interface SpatialWtaParameter {
  readonly kernel_size: number;
  readonly kernel_h: number;
  readonly kernel_w: number;
  /** Default 1. */
  readonly stride: number;
  readonly stride_h: number;
  readonly stride_w: number;
  /** Default false. */
  readonly global_wta: boolean;
}

export interface ReverseParameter {
  /** Default 0. */
  readonly axis: number;
}

export interface TransposeParameter {
  readonly dim: readonly number[];
}

export interface SpatialTransformerParameter {
  /** Default "affine". */
  readonly transform_type: string;
  /** Default "bilinear". */
  readonly sampler_type: string;
  readonly output_H: number;
  readonly output_W: number;
  /** Default true. */
  readonly to_compute_dU: boolean;
  readonly theta_1_1: number;
  readonly theta_1_2: number;
  readonly theta_1_3: number;
  readonly theta_2_1: number;
  readonly theta_2_2: number;
  readonly theta_2_3: number;
}

export interface UnpoolingParameter {
  /** Default MAX. */
  readonly unpool: UnpoolingParameter_UnpoolMethod;
  readonly kernel_size: number;
  readonly kernel_h: number;
  readonly kernel_w: number;
  /** Default 1. */
  readonly stride: number;
  readonly stride_h: number;
  readonly stride_w: number;
  readonly unpool_size: number;
  readonly unpool_h: number;
  readonly unpool_w: number;
}

export const UnpoolingParameter_UnpoolMethod = {
  MAX: 0,
  AVE: 1,
  TILE: 2,
} as const;
export type UnpoolingParameter_UnpoolMethod = (typeof UnpoolingParameter_UnpoolMethod)[keyof typeof UnpoolingParameter_UnpoolMethod];

export interface DeformableConvolutionParameter {
  readonly num_output: number;
  /** Default true. */
  readonly bias_term: boolean;
  readonly pad: readonly number[];
  readonly kernel_size: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Default 0. */
  readonly pad_h: number;
  /** Default 0. */
  readonly pad_w: number;
  readonly kernel_h: number;
  readonly kernel_w: number;
  readonly stride_h: number;
  readonly stride_w: number;
  /** Default 4. */
  readonly group: number;
  /** Default 4. */
  readonly deformable_group: number;
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
}

export interface ModulatedDeformableConvolutionParameter {
  readonly num_output: number;
  /** Default true. */
  readonly bias_term: boolean;
  readonly pad: readonly number[];
  readonly kernel_size: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Default 0. */
  readonly pad_h: number;
  /** Default 0. */
  readonly pad_w: number;
  readonly kernel_h: number;
  readonly kernel_w: number;
  readonly stride_h: number;
  readonly stride_w: number;
  /** Default 1. */
  readonly group: number;
  /** Default 1. */
  readonly deformable_group: number;
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
}

export interface ContinuationIndicatorParameter {
  /** Default 0. */
  readonly time_step: number;
  /** Default 0. */
  readonly batch_size: number;
  /** Default 0. */
  readonly axis: number;
}

export interface HardSigmoidParameter {
  /** Default 0.2. */
  readonly alpha: number;
  /** Default 0.5. */
  readonly beta: number;
}

export interface ReLU6Parameter {
  /** Default 0. */
  readonly negative_slope: number;
  /** Default 6. */
  readonly threshold: number;
}

export interface BilinearInterpolateParameter {
  readonly dst_h: number;
  readonly dst_w: number;
  /** Default 1. */
  readonly scale_factor: number;
  /** Default true. */
  readonly align_corners: boolean;
}

export interface MaxUnPoolParameter {
  readonly dst_h: number;
  readonly dst_w: number;
}

export interface PadParameter {
  /** Default CONSTANT. */
  readonly pad_type: PadParameter_PadType;
  /** Default 0. */
  readonly pad_u: number;
  /** Default 0. */
  readonly pad_d: number;
  /** Default 0. */
  readonly pad_l: number;
  /** Default 0. */
  readonly pad_r: number;
  /** Default 0. */
  readonly pad_value: number;
}

export const PadParameter_PadType = {
  CONSTANT: 0,
  REPLICATE: 1,
  REFLECT: 2,
} as const;
export type PadParameter_PadType = (typeof PadParameter_PadType)[keyof typeof PadParameter_PadType];

export interface PixelShuffleParameter {
  readonly upscale_factor: number;
}

export interface FlipParameter {
  /** Default true. */
  readonly flip_width: boolean;
  /** Default false. */
  readonly flip_height: boolean;
}

export interface GSTilingParameter {
  /** Default 0. */
  readonly stride: number;
  /** Default false. */
  readonly reverse: boolean;
}

export interface UnsqueezeParameter {
  readonly dim: number;
}

export interface PretrainParameter {
  /** Default RBM. */
  readonly kind: PretrainParameter_Kind;
  readonly layer: readonly string[];
  /** Default 1000. */
  readonly iterations: number;
  /** Default 0.1. */
  readonly base_lr: number;
  /** Default 0.5. */
  readonly momentum: number;
  /** Default 0. */
  readonly weight_decay: number;
  /** Default BINARY. */
  readonly visible: RBMParameter_Units;
  /** Default 1. */
  readonly cd_steps: number;
  /** Default false. */
  readonly persistent: boolean;
  /** Default 0.3. */
  readonly corruption: number;
  /** Default true. */
  readonly tied: boolean;
}

export const PretrainParameter_Kind = {
  RBM: 0,
  AUTOENCODER: 1,
} as const;
export type PretrainParameter_Kind = (typeof PretrainParameter_Kind)[keyof typeof PretrainParameter_Kind];

export interface RBMParameter {
  readonly num_output: number;
  /** Default BINARY. */
  readonly visible: RBMParameter_Units;
  /** Default BINARY. */
  readonly hidden: RBMParameter_Units;
  /** Default 1. */
  readonly cd_steps: number;
  /** Default false. */
  readonly persistent: boolean;
  readonly weight_filler: FillerParameter | null;
  readonly bias_filler: FillerParameter | null;
  readonly visible_bias_filler: FillerParameter | null;
}

export const RBMParameter_Units = {
  BINARY: 0,
  GAUSSIAN: 1,
} as const;
export type RBMParameter_Units = (typeof RBMParameter_Units)[keyof typeof RBMParameter_Units];

/** Layer types with parameters of their own: type to the field of LayerParameter that holds them. */
export const LAYER_PARAMS = {
  Accuracy: "accuracy_param",
  ArgMax: "argmax_param",
  BatchNorm: "batch_norm_param",
  Bias: "bias_param",
  Clip: "clip_param",
  Concat: "concat_param",
  ContrastiveLoss: "contrastive_loss_param",
  Convolution: "convolution_param",
  Crop: "crop_param",
  Data: "data_param",
  Dropout: "dropout_param",
  DummyData: "dummy_data_param",
  Eltwise: "eltwise_param",
  ELU: "elu_param",
  Embed: "embed_param",
  Exp: "exp_param",
  Flatten: "flatten_param",
  HDF5Data: "hdf5_data_param",
  HDF5Output: "hdf5_output_param",
  HingeLoss: "hinge_loss_param",
  ImageData: "image_data_param",
  InfogainLoss: "infogain_loss_param",
  InnerProduct: "inner_product_param",
  Input: "input_param",
  Log: "log_param",
  LRN: "lrn_param",
  MemoryData: "memory_data_param",
  MVN: "mvn_param",
  Parameter: "parameter_param",
  Pooling: "pooling_param",
  Power: "power_param",
  PReLU: "prelu_param",
  Python: "python_param",
  Reduction: "reduction_param",
  ReLU: "relu_param",
  Reshape: "reshape_param",
  Scale: "scale_param",
  Sigmoid: "sigmoid_param",
  Softmax: "softmax_param",
  SPP: "spp_param",
  Slice: "slice_param",
  Swish: "swish_param",
  TanH: "tanh_param",
  Threshold: "threshold_param",
  Tile: "tile_param",
  WindowData: "window_data_param",
  AnnotatedData: "annotated_data_param",
  BN: "bn_param",
  BoxAnnotatorOHEM: "box_annotator_ohem_param",
  CenterLoss: "center_loss_param",
  Correlation: "correlation_param",
  DenseImageData: "dense_image_data_param",
  DetectionEvaluate: "detection_evaluate_param",
  DetectionOutput: "detection_output_param",
  FocalLoss: "focal_loss_param",
  Interp: "interp_param",
  JavaData: "java_data_param",
  MultiBoxLoss: "multibox_loss_param",
  Normalize: "norm_param",
  Permute: "permute_param",
  PriorBox: "prior_box_param",
  Proposal: "proposal_param",
  PSROIPooling: "psroi_pooling_param",
  RegionLoss: "region_loss_param",
  Reorg: "reorg_param",
  ROIAlign: "roi_align_param",
  ROIPooling: "roi_pooling_param",
  ShuffleChannel: "shuffle_channel_param",
  SmoothL1Loss: "smooth_l1_loss_param",
  Upsample: "upsample_param",
  VideoData: "video_data_param",
  FlowWarp: "flow_warp_param",
  GroupNorm: "group_norm_param",
  L1Loss: "l1_loss_param",
  LabelSpecificAdd: "label_specific_add_param",
  MarginInnerProduct: "margin_inner_product_param",
  Resample: "resample_param",
  SegAccuracy: "seg_accuracy_param",
  LayerNorm: "layer_norm_param",
  TripletLoss: "triplet_loss_param",
  YoloDetectionOutput: "yolo_detection_output_param",
  Yolov3DetectionOutput: "yolov3_detection_output_param",
  Yolov3: "yolov3_param",
  CTCLoss: "ctc_loss_param",
  CTCDecoder: "ctc_decoder_param",
  CombinedMargin: "combined_margin_param",
  CosinAddm: "cosin_add_m_param",
  LargeMarginInnerProduct: "largemargin_inner_product_param",
  CompactBilinear: "compact_bilinear_param",
  HardSigmoid: "hardsigmoid_param",
  ReLU6: "relu6_param",
  BilinearInterpolate: "bilinear_interpolate_param",
  MaxUnPool: "max_unpool_param",
  Pad: "pad_param",
  PixelShuffle: "pixelshuffle_param",
  Unsqueeze: "unsqueeze_param",
  Flip: "flip_param",
  Local: "local_param",
  LocallyConnected: "locally_connected_param",
  ROIWarping: "roi_warping_param",
  MaskResize: "mask_resize_param",
  RankLoss: "rank_loss_param",
  LpqLoss: "lpq_loss_param",
  ChannelScale: "channel_scale_param",
  ImResize: "imresize_param",
  Nms: "nms_param",
  DeformablePSROIPooling: "deformable_psroi_pooling_param",
  DenseBlock: "denseblock_param",
  CTC: "ctc_param",
  SpatialDropout: "spatial_dropout_param",
  Duplicate: "duplicate_param",
  LabelSpecificMargin: "label_specific_margin_param",
  ModulatedDeformableConvolution: "modulated_deformable_convolution_param",
  Rank: "rank_param",
  IslandLoss: "island_loss_param",
  EltwiseAffine: "eltwise_affine_param",
  SoftTruncation: "soft_truncation_param",
  Truncation: "truncation_param",
  GeneralContrastive: "general_contrastive_loss_param",
  SPM: "spm_param",
  Division: "division_param",
  Combination: "combination_param",
  GSTiling: "gs_tiling_param",
  ContinuationIndicator: "continuation_indicator_param",
  DeformableConvolution: "deformable_convolution_param",
  InnerDistance: "inner_distance_param",
  LabelSpecificRescale: "label_specific_rescale_param",
  Lstm: "lstm_param",
  Maxout: "maxout_param",
  FaceNormalize: "normalize_param",
  Reverse: "reverse_param",
  SpatialTransformer: "st_param",
  Transpose: "transpose_param",
  Unpooling: "unpooling_param",
  MergeCrop: "mergecrop_param",
  Bunch: "bunch_param",
  CCCP: "cccp_param",
  LocalWeightedConvolution: "local_weighted_convolution_param",
  SpatialWta: "spatial_wta_param",
  LSTMConvolution: "lstm_conv_param",
  LSTMDebug: "lstm_debug_param",
  PlaneResize: "resize_param",
  Hotspot: "hotspot_param",
  SubRegion: "sub_region_param",
  RBM: "rbm_param",
} as const;

/** Every message by name. */
export interface Messages {
  BlobShape: BlobShape;
  BlobProto: BlobProto;
  BlobProtoVector: BlobProtoVector;
  Datum: Datum;
  FillerParameter: FillerParameter;
  NetParameter: NetParameter;
  SolverParameter: SolverParameter;
  SolverState: SolverState;
  NetState: NetState;
  NetStateRule: NetStateRule;
  ParamSpec: ParamSpec;
  LayerParameter: LayerParameter;
  TransformationParameter: TransformationParameter;
  LossParameter: LossParameter;
  AccuracyParameter: AccuracyParameter;
  ArgMaxParameter: ArgMaxParameter;
  ClipParameter: ClipParameter;
  ConcatParameter: ConcatParameter;
  BatchNormParameter: BatchNormParameter;
  BiasParameter: BiasParameter;
  ContrastiveLossParameter: ContrastiveLossParameter;
  ConvolutionParameter: ConvolutionParameter;
  CropParameter: CropParameter;
  DataParameter: DataParameter;
  DropoutParameter: DropoutParameter;
  DummyDataParameter: DummyDataParameter;
  EltwiseParameter: EltwiseParameter;
  ELUParameter: ELUParameter;
  EmbedParameter: EmbedParameter;
  ExpParameter: ExpParameter;
  FlattenParameter: FlattenParameter;
  HDF5DataParameter: HDF5DataParameter;
  HDF5OutputParameter: HDF5OutputParameter;
  HingeLossParameter: HingeLossParameter;
  ImageDataParameter: ImageDataParameter;
  InfogainLossParameter: InfogainLossParameter;
  InnerProductParameter: InnerProductParameter;
  InputParameter: InputParameter;
  LogParameter: LogParameter;
  LRNParameter: LRNParameter;
  MemoryDataParameter: MemoryDataParameter;
  MVNParameter: MVNParameter;
  ParameterParameter: ParameterParameter;
  PoolingParameter: PoolingParameter;
  PowerParameter: PowerParameter;
  PythonParameter: PythonParameter;
  RecurrentParameter: RecurrentParameter;
  ReductionParameter: ReductionParameter;
  ReLUParameter: ReLUParameter;
  ReshapeParameter: ReshapeParameter;
  ScaleParameter: ScaleParameter;
  SigmoidParameter: SigmoidParameter;
  SliceParameter: SliceParameter;
  SoftmaxParameter: SoftmaxParameter;
  SwishParameter: SwishParameter;
  TanHParameter: TanHParameter;
  TileParameter: TileParameter;
  ThresholdParameter: ThresholdParameter;
  WindowDataParameter: WindowDataParameter;
  SPPParameter: SPPParameter;
  PReLUParameter: PReLUParameter;
  V1LayerParameter: V1LayerParameter;
  V0LayerParameter: V0LayerParameter;
  NormalizedBBox: NormalizedBBox;
  Annotation: Annotation;
  AnnotationGroup: AnnotationGroup;
  AnnotatedDatum: AnnotatedDatum;
  LabelMapItem: LabelMapItem;
  LabelMap: LabelMap;
  DistortionParameter: DistortionParameter;
  ExpansionParameter: ExpansionParameter;
  EmitConstraint: EmitConstraint;
  AnnotatedDataParameter: AnnotatedDataParameter;
  BatchSampler: BatchSampler;
  Sampler: Sampler;
  SampleConstraint: SampleConstraint;
  ResizeParameter: ResizeParameter;
  NoiseParameter: NoiseParameter;
  SaltPepperParameter: SaltPepperParameter;
  NonMaximumSuppressionParameter: NonMaximumSuppressionParameter;
  SaveOutputParameter: SaveOutputParameter;
  DetectionEvaluateParameter: DetectionEvaluateParameter;
  DetectionOutputParameter: DetectionOutputParameter;
  MultiBoxLossParameter: MultiBoxLossParameter;
  NormalizeParameter: NormalizeParameter;
  PermuteParameter: PermuteParameter;
  PriorBoxParameter: PriorBoxParameter;
  VideoDataParameter: VideoDataParameter;
  BNParameter: BNParameter;
  UpsampleParameter: UpsampleParameter;
  DenseImageDataParameter: DenseImageDataParameter;
  ROIPoolingParameter: ROIPoolingParameter;
  ROIAlignParameter: ROIAlignParameter;
  SmoothL1LossParameter: SmoothL1LossParameter;
  PSROIPoolingParameter: PSROIPoolingParameter;
  BoxAnnotatorOHEMParameter: BoxAnnotatorOHEMParameter;
  ProposalParameter: ProposalParameter;
  InterpParameter: InterpParameter;
  ShuffleChannelParameter: ShuffleChannelParameter;
  ReorgParameter: ReorgParameter;
  CTCLossParameter: CTCLossParameter;
  DuplicateParameter: DuplicateParameter;
  SpatialDropoutParameter: SpatialDropoutParameter;
  CTCParameter: CTCParameter;
  CTCDecoderParameter: CTCDecoderParameter;
  CompactBilinearParameter: CompactBilinearParameter;
  CombinedMarginParameter: CombinedMarginParameter;
  CosinAddmParameter: CosinAddmParameter;
  LargeMarginInnerProductParameter: LargeMarginInnerProductParameter;
  RegionLossParameter: RegionLossParameter;
  Yolov3Parameter: Yolov3Parameter;
  CenterLossParameter: CenterLossParameter;
  FocalLossParameter: FocalLossParameter;
  CorrelationParameter: CorrelationParameter;
  JavaDataParameter: JavaDataParameter;
  FlowWarpParameter: FlowWarpParameter;
  ResampleParameter: ResampleParameter;
  L1LossParameter: L1LossParameter;
  GroupNormParameter: GroupNormParameter;
  LocalParameter: LocalParameter;
  LocallyConnectedParameter: LocallyConnectedParameter;
  ROIWarpingParameter: ROIWarpingParameter;
  MaskResizeParameter: MaskResizeParameter;
  RankLossParameter: RankLossParameter;
  LpqLossParameter: LpqLossParameter;
  ChannelScaleParameter: ChannelScaleParameter;
  SPMParameter: SPMParameter;
  DivisionParameter: DivisionParameter;
  CombinationParameter: CombinationParameter;
  ImResizeParameter: ImResizeParameter;
  NmsParameter: NmsParameter;
  DeformablePSROIPoolingParameter: DeformablePSROIPoolingParameter;
  DenseBlockParameter: DenseBlockParameter;
  LabelSpecificAddParameter: LabelSpecificAddParameter;
  MarginInnerProductParameter: MarginInnerProductParameter;
  TripletLossParameter: TripletLossParameter;
  IslandLossParameter: IslandLossParameter;
  EltwiseAffineParameter: EltwiseAffineParameter;
  SoftTruncationParameter: SoftTruncationParameter;
  TruncationParameter: TruncationParameter;
  GeneralContrastiveParameter: GeneralContrastiveParameter;
  RankParameter: RankParameter;
  YoloDetectionOutputParameter: YoloDetectionOutputParameter;
  Yolov3DetectionOutputParameter: Yolov3DetectionOutputParameter;
  LayerNormParameter: LayerNormParameter;
  SegAccuracyParameter: SegAccuracyParameter;
  FaceNormalizeParameter: FaceNormalizeParameter;
  InnerDistanceParameter: InnerDistanceParameter;
  LabelSpecificRescaleParameter: LabelSpecificRescaleParameter;
  LabelSpecificMarginParameter: LabelSpecificMarginParameter;
  LstmParameter: LstmParameter;
  MaxoutParameter: MaxoutParameter;
  MergeCropParameter: MergeCropParameter;
  BunchParameter: BunchParameter;
  CCCPParameter: CCCPParameter;
  LocalWeightedConvolutionParameter: LocalWeightedConvolutionParameter;
  LSTMConvolutionParameter: LSTMConvolutionParameter;
  LSTMDebugParameter: LSTMDebugParameter;
  PlaneResizeParameter: PlaneResizeParameter;
  HotspotParameter: HotspotParameter;
  SubRegionParameter: SubRegionParameter;
  SpatialWtaParameter: SpatialWtaParameter;
  ReverseParameter: ReverseParameter;
  TransposeParameter: TransposeParameter;
  SpatialTransformerParameter: SpatialTransformerParameter;
  UnpoolingParameter: UnpoolingParameter;
  DeformableConvolutionParameter: DeformableConvolutionParameter;
  ModulatedDeformableConvolutionParameter: ModulatedDeformableConvolutionParameter;
  ContinuationIndicatorParameter: ContinuationIndicatorParameter;
  HardSigmoidParameter: HardSigmoidParameter;
  ReLU6Parameter: ReLU6Parameter;
  BilinearInterpolateParameter: BilinearInterpolateParameter;
  MaxUnPoolParameter: MaxUnPoolParameter;
  PadParameter: PadParameter;
  PixelShuffleParameter: PixelShuffleParameter;
  FlipParameter: FlipParameter;
  GSTilingParameter: GSTilingParameter;
  UnsqueezeParameter: UnsqueezeParameter;
  PretrainParameter: PretrainParameter;
  RBMParameter: RBMParameter;
}
