import { sub } from "../caffe/message.js";
import type { LayerParameter } from "../caffe/messages.js";
import type { SlidingWindow } from "./facts.js";

/** The window of a convolution over height and width, from `convolution_param`. */
export function convolutionWindow(layer: LayerParameter): SlidingWindow {
  const param = sub(layer, "convolution_param");
  const { kernel_size, kernel_h, kernel_w, stride, stride_h, stride_w, dilation } = param;
  const pair = (list: readonly number[], h: number, w: number, fallback: number): readonly [number, number] =>
    h > 0 || w > 0 ? [h, w] : [list[0] ?? fallback, list[1] ?? list[0] ?? fallback];
  const [kh, kw] = pair(kernel_size, kernel_h, kernel_w, 1);
  const [dh, dw] = pair(dilation, 0, 0, 1);
  return {
    kernel: [dh * (kh - 1) + 1, dw * (kw - 1) + 1],
    stride: pair(stride, stride_h, stride_w, 1),
    pad: pair(param.pad, param.pad_h, param.pad_w, 0),
  };
}

/** The window of pooling over height and width, from `pooling_param`; undefined where it is the whole of them. */
export function poolingWindow(layer: LayerParameter): SlidingWindow | undefined {
  const param = sub(layer, "pooling_param");
  if (param.global_pooling) return undefined;
  const { kernel_size, kernel_h, kernel_w, stride, stride_h, stride_w, dilation } = param;
  const [dh = 1, dw = dh] = dilation;
  return {
    kernel: [dh * ((kernel_h || kernel_size) - 1) + 1, dw * ((kernel_w || kernel_size) - 1) + 1],
    stride: [stride_h || stride, stride_w || stride],
    pad: [param.pad_h || param.pad, param.pad_w || param.pad],
  };
}
