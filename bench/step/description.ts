import type { LayerParameter } from "../../lib/index.js";
import { PoolingParameter_PoolMethod, ProtoLoader, sub } from "../../lib/index.js";
import type { StepNet } from "./nets.js";

/** The net as torch_step.py builds it: a BatchNorm module holds the Scale behind it. */
export function describe({ prototxt, image, batch, classes }: StepNet): string {
  const { layer } = ProtoLoader.loadNetPrototxt(prototxt);
  const layers = layer
    .filter(({ type }) => type !== "Input" && type !== "Scale")
    .map((each) => ({ type: each.type, bottoms: each.bottom, top: each.top[0], params: paramsOf(each) }));
  return JSON.stringify({ image, batch, classes, layers });
}

function paramsOf(layer: LayerParameter): Readonly<Record<string, unknown>> {
  switch (layer.type) {
    case "Convolution": {
      const { num_output, kernel_size, stride, pad, group, bias_term } = sub(layer, "convolution_param");
      const [outputs, kernel] = [num_output, kernel_size[0]];
      return { outputs, kernel, stride: stride[0] ?? 1, pad: pad[0] ?? 0, group, bias: bias_term };
    }
    case "InnerProduct":
      return { outputs: sub(layer, "inner_product_param").num_output };
    case "Pooling": {
      const { pool, kernel_size, stride, pad } = sub(layer, "pooling_param");
      // A kernel of 0 stands for the whole plane.
      return { pool: pool === PoolingParameter_PoolMethod.MAX ? "MAX" : "AVE", kernel: kernel_size, stride, pad };
    }
    case "Dropout":
      return { ratio: sub(layer, "dropout_param").dropout_ratio };
    case "SoftmaxWithLoss":
      return { weight: layer.loss_weight[0] ?? 1 };
    default:
      return {};
  }
}
