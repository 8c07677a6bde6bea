import { count } from "../graph/index.js";
import { reshape } from "../ops/index.js";
import { convGeometry, convWindows } from "./geometry.js";
import { computeLayer } from "./layer.js";
import { unfold } from "./windows.js";

/**
 * Im2col: the entries under the windows of a convolution as channels. x [..., c, ...spatial] with `axis` the channels'; the top
 * is [..., c * product of kernels, ...windows], kernel entries in row-major order within a channel, zeros for padding.
 */
export const Im2col = computeLayer({
  type: "Im2col",
  param: "convolution_param",
  bottoms: 1,
  tops: 1,
  caffeMemory: () => ({ readsBottom: "nothing", ignoresPropagateDown: true }),
  lower(site) {
    if (site.param.relu) throw site.error("relu is for convolutions: write a ReLU layer", "relu");
    const x = site.bottoms[0]!;
    const { shape } = x.type;
    const geometry = convGeometry(site);
    const { axis, kernel, attrs } = geometry;
    if (kernel.length === 0) {
      throw site.error(`there is no spatial axis behind axis ${axis} of a blob of ${shape.length} axes`, "axis");
    }
    const taps = convWindows(site, geometry).map(({ windows, beyond }, i) => {
      const padding = attrs.pads[i]!;
      const pads = [padding, padding + beyond] as const;
      return { kernel: kernel[i]!, stride: attrs.strides[i]!, dilation: attrs.dilations[i]!, pads, windows };
    });
    const columns = unfold(x, taps);
    const channels = shape[axis]! * count(kernel);
    return { tops: [reshape(columns, [...shape.slice(0, axis), channels, ...taps.map(({ windows }) => windows)])] };
  },
});
