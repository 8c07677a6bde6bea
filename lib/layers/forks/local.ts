import { sub as message } from "../../caffe/message.js";
import type { LayerParameter, LocallyConnectedParameter } from "../../caffe/messages.js";
import { count, type Value } from "../../graph/index.js";
import { add, matMul, reshape, transpose } from "../../ops/index.js";
import { bottomText, computeLayer, type ParamField, type Place, type Site } from "../layer.js";
import { unfold } from "../windows.js";

type P = LocallyConnectedParameter;

/** Windows of the bottom and what they become: entries under a window, and windows down and across. */
function geometryOf(place: Place<P>) {
  const { param, bottoms, error } = place;
  const { shape } = bottoms[0]!.type;
  if (shape.length !== 4) throw place.bottomError(0, `${bottomText(place, 0)} does not have 4 axes`);
  const { num_output: channels, kernel_size: kernel, stride, pad } = param;
  if (channels <= 0) throw error("num_output must be greater than 0", "num_output");
  if (kernel <= 0) throw error("kernel_size must be greater than 0", "kernel_size");
  if (stride <= 0) throw error("stride must be greater than 0", "stride");
  const [, c, h, w] = shape as [number, number, number, number];
  if (h < kernel || w < kernel)
    throw error(`the kernel of ${kernel} is larger than ${bottomText(place, 0)}`, "kernel_size");
  const windows = [h, w].map((side) => Math.floor((side + 2 * pad - kernel) / stride) + 1) as [number, number];
  return { entries: c * kernel * kernel, windows };
}

/**
 * A convolution with weights of its own at each place: y[n,m,p] = sum over k of W[m,k,p] x[n,k,p] + b[m,p], k the entries under the
 * window of place p. x [n,c,h,w], W [num_output, 1, c*kernel*kernel, places], b [1, 1, num_output, places], y
 * [n, num_output, ph, pw]. Source: happynear/caffe-windows, cherrm/caffe and anujkhare/caffe-cedn, local_layer.cpp, locally_connected_layer.cpp and
 * local_weighted_conv_layer.cpp.
 */
const local = <F extends "local_param" | "locally_connected_param" | "local_weighted_convolution_param">(
  type: string,
  param: F,
) =>
  computeLayer<ParamField>({
    type,
    param,
    bottoms: 1,
    tops: 1,
    family: "convolution",
    sees: (layer: LayerParameter) => {
      const { kernel_size: kernel, stride, pad } = message(layer, param);
      return { kernel: [kernel, kernel], stride: [stride, stride], pad: [pad, pad] };
    },
    blobs(at) {
      const place = at as unknown as Place<P>;
      const { entries, windows } = geometryOf(place);
      const [m, places] = [place.param.num_output, count(windows)];
      const weight = { shape: [m, 1, entries, places], filler: message(place.param, "weight_filler") };
      if (!place.param.bias_term) return [weight];
      return [weight, { shape: [1, 1, m, places], filler: message(place.param, "bias_filler") }];
    },
    lower(at) {
      const site = at as unknown as Site<P>;
      const { kernel_size: kernel, stride, pad, num_output: m } = site.param;
      const { entries, windows } = geometryOf(site);
      const places = count(windows);
      const x = site.bottoms[0]!;
      const n = x.type.shape[0]!;
      const taps = windows.map((of) => ({ kernel, stride, dilation: 1, pads: [pad, pad] as const, windows: of }));
      const columns = transpose(reshape(unfold(x, taps), [n, entries, places]), [2, 0, 1]);
      const [w, b] = site.blobs as [Value, Value | undefined];
      const weights = transpose(reshape(w, [m, entries, places]), [2, 1, 0]);
      const y = transpose(matMul(columns, weights), [1, 2, 0]);
      return { tops: [reshape(b ? add(y, reshape(b, [1, m, places])) : y, [n, m, ...windows])] };
    },
  });

/** Local (caffe-windows): weights for each place. */
export const Local = local("Local", "local_param");
/** LocallyConnected: the same under its other name. */
export const LocallyConnected = local("LocallyConnected", "locally_connected_param");
/** LocalWeightedConvolution: the same under its third name. */
export const LocalWeightedConvolution = local("LocalWeightedConvolution", "local_weighted_convolution_param");
