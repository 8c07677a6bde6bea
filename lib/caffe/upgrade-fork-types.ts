import { amend, create, has } from "./message.js";
import {
  type BNParameter,
  type LayerParameter,
  type LRNParameter,
  EltwiseParameter_EltwiseOp as Operation,
  PoolingParameter_PoolMethod as PoolMethod,
  LRNParameter_NormRegion as Region,
  UnpoolingParameter_UnpoolMethod as UnpoolMethod,
} from "./messages.js";

/** The type names of today by the V1 names that forks gave their layers. Other V1 names are read by their words. */
export const FORK_V1_TYPES: Readonly<Record<string, string>> = {
  BACCURACY: "BAccuracy",
  BATCH_NORM: "BatchNorm",
  BN: "BN",
  CCCP: "CCCP",
  CONVOLUTION3D: "Convolution3D",
  CONVOLUTION_SK: "ConvolutionSK",
  CROP: "Crop",
  DATA_HEATMAP: "DataHeatmap",
  DECONVOLUTION3D: "Deconvolution3D",
  EUCLIDEAN_LOSS_HEATMAP: "EuclideanLossHeatmap",
  IMAGE_SEG_DATA: "ImageSegData",
  INTERP: "Interp",
  LRN_MAP: "LRNMap",
  L1_LOSS: "L1Loss",
  MAT_READ: "MatRead",
  MAT_WRITE: "MatWrite",
  PADDING: "Padding",
  PERMUTE: "Permute",
  POOLING3D: "Pooling3D",
  POOLING_SK: "PoolingSK",
  PRELU: "PReLU",
  PSROI_POOLING: "PSROIPooling",
  PYTHON: "Python",
  ROI_POOLING: "ROIPooling",
  SEG_ACCURACY: "SegAccuracy",
  SMOOTH_L1_LOSS: "SmoothL1Loss",
  TRIPLET_LOSS: "TripletLoss",
  UNIQUE_LABEL: "UniqueLabel",
  UNPOOLING: "Unpooling",
  UPSAMPLE: "Upsample",
  VIDEO_DATA: "VideoData",
  VOLUME_DATA: "VolumeData",
};

/**
 * Types whose layers are Caffe's: of Ristretto and Xilinx, whose quantization_param and fixed_param are refused where a net runs, and
 * of forks that share a batch among processors, and a type of a fork by its other name.
 */
const CAFFE_TYPES: Readonly<Record<string, string>> = {
  BNData: "BN",
  CCCPPooling: "CCCP",
  ConvolutionData: "Convolution",
  ConvolutionFixed: "Convolution",
  ConvolutionRistretto: "Convolution",
  ConvolutionSK: "Convolution",
  DeconvolutionFixed: "Deconvolution",
  DeconvolutionRistretto: "Deconvolution",
  FcRistretto: "InnerProduct",
  InnerProductFixed: "InnerProduct",
  LRNRistretto: "LRN",
  PoolingSK: "Pooling",
  ReLURecover: "ReLU",
};

/** A layer of a fork as the layer of Caffe that it is: Ristretto's, MyCaffe's Debug, which keeps what passes through it, and FlowNet's sum of one bottom, which is scaled. */
export function withCaffeType(layer: LayerParameter): LayerParameter {
  if (layer.type === "Debug" && layer.bottom.length > 0)
    return amend(layer, { type: "Split", bottom: [layer.bottom[0]!] });
  if (layer.type === "BNData") return amend(layer, { type: "BN", bn_param: ofStatistics(layer) });
  if (Object.hasOwn(CAFFE_TYPES, layer.type)) return withCaffeType(amend(layer, { type: CAFFE_TYPES[layer.type]! }));
  if (layer.type === "CCCP" && layer.convolution_param && !layer.cccp_param) return withCccp(layer);
  if (layer.type === "PoolingND") return withPoolingOfAxes(layer);
  if (layer.type === "LRNMap") return amend(layer, { type: "LRN", lrn_param: withinChannel(layer) });
  if (layer.type === "Unpooling" && layer.pooling_param && !layer.unpooling_param) return withUnpooling(layer);
  const { type, eltwise_param: param, bottom } = layer;
  if (type !== "Eltwise" || bottom.length !== 1 || param?.coeff.length !== 1) return layer;
  if (param.operation !== Operation.SUM) return layer;
  return amend(layer, { type: "Power", eltwise_param: null, power_param: { scale: param.coeff[0]! } });
}

/** caffe-action's parameters of a BN that always has running statistics. */
const ofStatistics = ({ bn_param: param }: LayerParameter): BNParameter =>
  amend<BNParameter>(param ?? create("BNParameter"), { moving_average: param?.moving_average ?? true });

/** Network in network's layer that has the parameters of a convolution of one pixel. */
function withCccp(layer: LayerParameter): LayerParameter {
  const { num_output, group, bias_term: biasterm, weight_filler, bias_filler } = layer.convolution_param!;
  return amend(layer, {
    convolution_param: null,
    cccp_param: { num_output, group, biasterm, weight_filler, bias_filler },
  });
}

/** A PoolingND, whose parameters, of any number of axes, are Pooling's under a name of their own. */
function withPoolingOfAxes(layer: LayerParameter): LayerParameter {
  const { pooling_nd_param: pooling } = layer;
  return amend(layer, { type: "Pooling", pooling_nd_param: null, ...(pooling && { pooling_param: pooling }) });
}

/** The first DeconvNets' Unpooling, whose window is that of the Pooling that it undoes. */
function withUnpooling(layer: LayerParameter): LayerParameter {
  const pooling = layer.pooling_param!;
  const fields = WINDOW.filter((field) => has(pooling, field));
  const window = Object.fromEntries(fields.map((field) => [field, pooling[field]]));
  const unpool = pooling.pool === PoolMethod.AVE ? UnpoolMethod.AVE : UnpoolMethod.MAX;
  return amend(layer, { pooling_param: null, unpooling_param: { unpool, ...window } });
}

const WINDOW = ["kernel_size", "kernel_h", "kernel_w", "stride", "stride_h", "stride_w"] as const;

/** Parameters of the first LRN within channels, which had a type of its own. */
const withinChannel = ({ lrn_param: param }: LayerParameter): LRNParameter =>
  amend<LRNParameter>(param ?? create("LRNParameter"), { norm_region: Region.WITHIN_CHANNEL });
