import { Convolution } from "./convolution.js";
import { Data } from "./data.js";
import { InnerProduct } from "./inner-product.js";
import { Input } from "./input.js";
import type { LayerType } from "./layer.js";
import { Pooling } from "./pooling.js";
import { ReLU } from "./relu.js";
import { SoftmaxWithLoss } from "./softmax-with-loss.js";

/** Every layer type that netrun knows, by Caffe's name of it. */
export const layerTypes = {
  Convolution,
  Data,
  InnerProduct,
  Input,
  Pooling,
  ReLU,
  SoftmaxWithLoss,
} as const satisfies Readonly<Record<string, LayerType>>;

export * from "./layer.js";
