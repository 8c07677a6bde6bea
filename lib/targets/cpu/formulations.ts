import { batchNormalize, batchNormalizeGradient, channelAffine, channelDot } from "./batch-norm.js";
import { innerProduct } from "./inner-product.js";
import { lrn, lrnGradient } from "./lrn.js";
import { channelSum, concatChannels, convAdd, convRelu, entrywise, type Formulation } from "./rules.js";
import * as windows from "./windows.js";

/** The formulations of the CPU target; of those for one op, the first that takes a node computes it. */
export const formulations: readonly Formulation[] = [
  windows.conv,
  windows.convInputGradient,
  windows.convWeightGradient,
  windows.maxPool,
  windows.maxPoolGradient,
  windows.averagePool,
  windows.averagePoolGradient,
  innerProduct,
  lrn,
  lrnGradient,
  channelSum,
  batchNormalize,
  channelAffine,
  channelDot,
  batchNormalizeGradient,
  convRelu,
  convAdd,
  entrywise,
  concatChannels,
];
