import { sub as message } from "../../caffe/message.js";
import type { CCCPParameter } from "../../caffe/messages.js";
import { count, type Value } from "../../graph/index.js";
import { conv, reshape } from "../../ops/index.js";
import { bottomText, computeLayer, type Place } from "../layer.js";

/** Groups, outputs of all of them, and the channels that each has. */
function sizesOf(place: Place<CCCPParameter>) {
  const { param, error } = place;
  const channels = place.bottoms[0]!.type.shape[1];
  if (channels === undefined) throw place.bottomError(0, `${bottomText(place, 0)} has no channels`);
  if (param.num_output <= 0) throw error("num_output must be greater than 0", "num_output");
  if (param.group <= 0) throw error("group must be greater than 0", "group");
  if (channels % param.group !== 0)
    throw error(`group ${param.group} does not divide the ${channels} channels of ${bottomText(place, 0)}`, "group");
  return { group: param.group, outputs: param.group * param.num_output, channels: channels / param.group };
}

/**
 * CCCP (network in network): at each place and for each group of channels, y = W x + b. x [n, c, ...], y [n, group * num_output, ...]:
 * num_output is that of a group. W [1, 1, group * num_output, c / group], b [1, 1, 1, group * num_output].
 * Forks have its parameters in convolution_param too, and name it CCCPPooling.
 * Source: jiecaoyu/caffe_cccp and akanazawa/si-convnet, cccp_layer.cpp.
 */
export const CCCP = computeLayer({
  type: "CCCP",
  param: "cccp_param",
  bottoms: 1,
  tops: 1,
  family: "convolution",
  sees: "place",
  blobs(place) {
    const { outputs, channels } = sizesOf(place);
    const weight = { shape: [1, 1, outputs, channels], filler: message(place.param, "weight_filler"), unitAxis: 2 };
    if (!place.param.biasterm) return [weight];
    return [weight, { shape: [1, 1, 1, outputs], filler: message(place.param, "bias_filler"), unitAxis: null }];
  },
  lower(site) {
    const { group, outputs, channels } = sizesOf(site);
    const x = site.bottoms[0]!;
    const [n, c, ...places] = x.type.shape as [number, number, ...number[]];
    const [w, b] = site.blobs as [Value, Value | undefined];
    const y = conv(
      reshape(x, [n, c, count(places), 1]),
      reshape(w, [outputs, channels, 1, 1]),
      { strides: [1, 1], pads: [0, 0], dilations: [1, 1], group },
      b && reshape(b, [outputs]),
    );
    return { tops: [reshape(y, [n, outputs, ...places])] };
  },
});
