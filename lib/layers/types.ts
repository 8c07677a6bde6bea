import { AbsVal } from "./abs-val.js";
import { Accuracy } from "./accuracy.js";
import { ArgMax } from "./arg-max.js";
import { BatchNorm } from "./batch-norm.js";
import { BatchReindex } from "./batch-reindex.js";
import { Bias } from "./bias.js";
import { BNLL } from "./bnll.js";
import { Clip } from "./clip.js";
import { Concat } from "./concat.js";
import { ContrastiveLoss } from "./contrastive-loss.js";
import { Convolution } from "./convolution.js";
import { Crop } from "./crop.js";
import { Data } from "./data.js";
import { Deconvolution } from "./deconvolution.js";
import { Dropout } from "./dropout.js";
import { DummyData } from "./dummy-data.js";
import { Eltwise } from "./eltwise.js";
import { ELU } from "./elu.js";
import { Embed } from "./embed.js";
import { EuclideanLoss } from "./euclidean-loss.js";
import { Exp } from "./exp.js";
import { Filter } from "./filter.js";
import { Flatten } from "./flatten.js";
import { HardSigmoid, HardSwish, Mish, SELU, SignedSqrt } from "./forks/activations.js";
import { Arccos, Cosine, SoftTruncation, Truncation } from "./forks/angles.js";
import { AnnotatedData } from "./forks/annotated-data.js";
import { BunchOfNeurons } from "./forks/bunch-of-neurons.js";
import { CCCP } from "./forks/cccp.js";
import { Axpy } from "./forks/axpy.js";
import { BN } from "./forks/bn.js";
import { Convolution3D, Deconvolution3D, Pooling3D } from "./forks/c3d.js";
import { Lstm } from "./forks/caffe-lstm.js";
import { CenterLoss } from "./forks/center-loss.js";
import { CReLU, Maxout } from "./forks/channel-groups.js";
import { ChannelNorm } from "./forks/channel-norm.js";
import { ChannelScale } from "./forks/channel-scale.js";
import { CompactBilinear } from "./forks/compact-bilinear.js";
import { ContinuationIndicator } from "./forks/continuation-indicator.js";
import { ConvLSTM } from "./forks/conv-lstm.js";
import { Correlation, Correlation1D } from "./forks/correlation.js";
import { DeformableConvolution, ModulatedDeformableConvolution } from "./forks/deformable-convolution.js";
import { CTCGreedyDecoder } from "./forks/ctc-decoder.js";
import { CTCLoss, CtcLoss, WarpCTCLoss } from "./forks/ctc-loss.js";
import { DeformablePSROIPooling } from "./forks/deformable-psroi.js";
import { DenseBlock } from "./forks/dense-block.js";
import { DenseImageData, ImageLabelmapData, ImageSegData } from "./forks/dense-image-data.js";
import { ConvolutionDepthwise, DepthwiseConvolution } from "./forks/depthwise.js";
import { DetectionEvaluate } from "./forks/detection-evaluate.js";
import { DetectionOutput } from "./forks/detection-output.js";
import { DiceCoefLoss, DiceLoss } from "./forks/dice-loss.js";
import { Combination, Division } from "./forks/division.js";
import { Flip, GSTiling } from "./forks/flip.js";
import { FlowWarp } from "./forks/flow-warp.js";
import { FocalLoss, SoftmaxFocalLoss } from "./forks/focal-loss.js";
import { EltwiseAffine } from "./forks/eltwise-affine.js";
import { IslandLoss } from "./forks/island-loss.js";
import { GeneralContrastiveLoss } from "./forks/general-contrastive-loss.js";
import { GroupNorm, InstanceNorm, LayerNorm } from "./forks/group-norm.js";
import { InnerDistance } from "./forks/inner-distance.js";
import { Interp } from "./forks/interp.js";
import { L1Loss } from "./forks/l1-loss.js";
import { L2Normalization, Normalization } from "./forks/l2-normalization.js";
import { LabelSpecificAdd } from "./forks/label-specific-add.js";
import { LabelSpecificMargin } from "./forks/label-specific-margin.js";
import { LabelSpecificRescale } from "./forks/label-specific.js";
import { LargeMarginInnerProduct } from "./forks/large-margin.js";
import { Local, LocallyConnected, LocalWeightedConvolution } from "./forks/local.js";
import { LpqLoss } from "./forks/lpq-loss.js";
import { CombinedMargin, CosinAddm } from "./forks/margins.js";
import { MarginInnerProduct } from "./forks/margin-inner-product.js";
import { MaskPooling, MaskResize, ROIWarping } from "./forks/masks.js";
import { MergeCrop } from "./forks/merge-crop.js";
import { MTCNNEuclideanLoss } from "./forks/mtcnn-loss.js";
import { MultiBoxFocalLoss, MultiBoxLoss } from "./forks/multibox-loss.js";
import { NdConvolution, NdPooling } from "./forks/nd.js";
import { Normalize } from "./forks/normalize.js";
import { BoxAnnotatorOHEM, SmoothL1LossOHEM, SoftmaxWithLossOHEM } from "./forks/ohem.js";
import { Permute } from "./forks/permute.js";
import { BilinearInterpolate, MaxUnPool, Pad, PixelShuffle, Unsqueeze } from "./forks/pixels.js";
import { ImResize, Nms } from "./forks/pose.js";
import { Resize } from "./forks/plane-resize.js";
import { Hotspot, SubRegion } from "./forks/points.js";
import { PriorBox } from "./forks/prior-box.js";
import { Proposal } from "./forks/proposal-layer.js";
import { PSROIAlign, PSROIPooling } from "./forks/psroi-pooling.js";
import { RankHardLoss } from "./forks/rank-hard-loss.js";
import { RankLoss } from "./forks/rank-loss.js";
import { ReLU6 } from "./forks/relu6.js";
import { Reorg } from "./forks/reorg.js";
import { Resample } from "./forks/resample.js";
import { ROIAlign } from "./forks/roi-align.js";
import { ROIPooling } from "./forks/roi-pooling.js";
import { SegAccuracy } from "./forks/seg-accuracy.js";
import { SequenceAccuracy } from "./forks/sequence-accuracy.js";
import { Reverse, Transpose } from "./forks/sequence.js";
import { ShuffleChannel } from "./forks/shuffle-channel.js";
import { SLLSTM } from "./forks/sllstm.js";
import { SmoothL1Loss } from "./forks/smooth-l1-loss.js";
import { SoftmaxCrossEntropyLoss } from "./forks/soft-label-loss.js";
import { SpatialDropout } from "./forks/spatial-dropout.js";
import { SpatialWta } from "./forks/spatial-wta.js";
import { SpatialTransformer } from "./forks/spatial-transformer.js";
import { SPMMaxPooling } from "./forks/spm-max-pooling.js";
import { TemporalDuplicate } from "./forks/temporal-duplicate.js";
import { TripletLoss } from "./forks/triplet-loss.js";
import { Unpooling } from "./forks/unpooling.js";
import { Upsample } from "./forks/upsample.js";
import { YoloDetectionOutput, Yolov3DetectionOutput } from "./forks/yolo-detection-output.js";
import { RegionLoss, Yolov3 } from "./forks/yolo-loss.js";
import { HDF5Data } from "./hdf5-data.js";
import { HDF5Output } from "./hdf5-output.js";
import { HingeLoss } from "./hinge-loss.js";
import { Im2col } from "./im2col.js";
import { ImageData } from "./image-data.js";
import { InfogainLoss } from "./infogain-loss.js";
import { InnerProduct } from "./inner-product.js";
import { Input } from "./input.js";
import type { LayerType } from "./layer.js";
import { Log } from "./log.js";
import { LRN } from "./lrn.js";
import { LSTMUnit } from "./lstm-unit.js";
import { LSTM } from "./lstm.js";
import { MemoryData } from "./memory-data.js";
import { MultinomialLogisticLoss } from "./multinomial-logistic-loss.js";
import { MVN } from "./mvn.js";
import { Parameter } from "./parameter.js";
import { Pooling } from "./pooling.js";
import { Power } from "./power.js";
import { PReLU } from "./prelu.js";
import { Python } from "./python.js";
import { RBM } from "./rbm.js";
import { Reduction } from "./reduction.js";
import { ReLU } from "./relu.js";
import { Reshape } from "./reshape.js";
import { RNN } from "./rnn.js";
import { Scale } from "./scale.js";
import { SigmoidCrossEntropyLoss } from "./sigmoid-cross-entropy-loss.js";
import { Sigmoid } from "./sigmoid.js";
import { Silence } from "./silence.js";
import { Slice } from "./slice.js";
import { SoftmaxWithLoss } from "./softmax-with-loss.js";
import { Softmax } from "./softmax.js";
import { Split } from "./split.js";
import { SPP } from "./spp.js";
import { Swish } from "./swish.js";
import { TanH } from "./tan-h.js";
import { Threshold } from "./threshold.js";
import { Tile } from "./tile.js";
import { WindowData } from "./window-data.js";

/** Every layer type that netrun knows, by Caffe's name of it. */
export const layerTypes = {
  AbsVal,
  Accuracy,
  ArgMax,
  BatchNorm,
  BatchReindex,
  Bias,
  BNLL,
  Clip,
  Concat,
  ContrastiveLoss,
  Convolution,
  Crop,
  Data,
  Deconvolution,
  Dropout,
  DummyData,
  Eltwise,
  ELU,
  Embed,
  EuclideanLoss,
  Exp,
  Filter,
  Flatten,
  HDF5Data,
  HDF5Output,
  HingeLoss,
  Im2col,
  ImageData,
  InfogainLoss,
  InnerProduct,
  Input,
  Log,
  LRN,
  LSTM,
  LSTMUnit,
  MemoryData,
  MultinomialLogisticLoss,
  MVN,
  Parameter,
  Pooling,
  Power,
  PReLU,
  Python,
  RBM,
  Reduction,
  ReLU,
  Reshape,
  RNN,
  Scale,
  Sigmoid,
  SigmoidCrossEntropyLoss,
  Silence,
  Slice,
  Softmax,
  SoftmaxWithLoss,
  Split,
  SPP,
  Swish,
  TanH,
  Threshold,
  Tile,
  WindowData,

  // Layers of Caffe's forks.
  AnnotatedData,
  Axpy,
  BilinearInterpolate,
  BN,
  BoxAnnotatorOHEM,
  CenterLoss,
  ChannelNorm,
  Combination,
  CombinedMargin,
  CompactBilinear,
  ContinuationIndicator,
  Convolution3D,
  ConvolutionDepthwise,
  Correlation,
  Correlation1D,
  CosinAddm,
  CReLU,
  CTCGreedyDecoder,
  CTCLoss,
  CtcLoss,
  Deconvolution3D,
  DeformableConvolution,
  ModulatedDeformableConvolution,
  DenseBlock,
  DenseImageData,
  DepthwiseConvolution,
  DetectionEvaluate,
  DetectionOutput,
  DiceCoefLoss,
  DiceLoss,
  Division,
  Flip,
  FlowWarp,
  FocalLoss,
  GroupNorm,
  GSTiling,
  HardSigmoid,
  HardSwish,
  ImageLabelmapData,
  ImageSegData,
  InnerDistance,
  InstanceNorm,
  Interp,
  L1Loss,
  L2Normalization,
  Normalization,
  SoftmaxCrossEntropyLoss,
  SPMMaxPooling,
  LabelSpecificAdd,
  LabelSpecificMargin,
  LabelSpecificRescale,
  LargeMarginInnerProduct,
  LayerNorm,
  Lstm,
  MarginInnerProduct,
  Maxout,
  MaxUnPool,
  Mish,
  MultiBoxLoss,
  MultiBoxFocalLoss,
  NdConvolution,
  NdPooling,
  Normalize,
  Pad,
  Permute,
  PixelShuffle,
  Pooling3D,
  PriorBox,
  Proposal,
  Local,
  LocallyConnected,
  MaskPooling,
  MaskResize,
  ROIWarping,
  RankHardLoss,
  Arccos,
  Cosine,
  SoftTruncation,
  Truncation,
  GeneralContrastiveLoss,
  EltwiseAffine,
  IslandLoss,
  RankLoss,
  LpqLoss,
  ChannelScale,
  ImResize,
  Nms,
  DeformablePSROIPooling,
  PSROIAlign,
  SequenceAccuracy,
  SpatialDropout,
  TemporalDuplicate,
  SpatialWta,
  ConvLSTM,
  Resize,
  Hotspot,
  SubRegion,
  SLLSTM,
  MergeCrop,
  MTCNNEuclideanLoss,
  BunchOfNeurons,
  CCCP,
  LocalWeightedConvolution,
  PSROIPooling,
  RegionLoss,
  ReLU6,
  Reorg,
  Resample,
  Reverse,
  ROIAlign,
  ROIPooling,
  SegAccuracy,
  SELU,
  ShuffleChannel,
  SignedSqrt,
  SmoothL1Loss,
  SmoothL1LossOHEM,
  SoftmaxFocalLoss,
  SoftmaxWithLossOHEM,
  SpatialTransformer,
  Transpose,
  TripletLoss,
  Unpooling,
  Unsqueeze,
  Upsample,
  WarpCTCLoss,
  YoloDetectionOutput,
  Yolov3,
  Yolov3DetectionOutput,
} as const satisfies Readonly<Record<string, LayerType>>;
