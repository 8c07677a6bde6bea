import { count } from "../graph/index.js";
import { reshape } from "../ops/index.js";
import { checkFit, convGeometry, reach } from "./geometry.js";
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
  lower(site) {
    const x = site.bottoms[0]!;
    const { shape } = x.type;
    const geometry = convGeometry(site);
    const { axis, kernel, attrs } = geometry;
    if (kernel.length === 0) {
      throw site.error(`there is no spatial axis behind axis ${axis} of a blob of ${shape.length} axes`, "axis");
    }
    checkFit(site, geometry);
    const taps = kernel.map((size, i) => {
      const padding = attrs.pads[i]!;
      const room = shape[axis + 1 + i]! + 2 * padding - reach(geometry, i);
      const stride = attrs.strides[i]!;
      const pads = [padding, padding] as const;
      return { kernel: size, stride, dilation: attrs.dilations[i]!, pads, windows: Math.floor(room / stride) + 1 };
    });
    const columns = unfold(x, taps);
    const channels = shape[axis]! * count(kernel);
    return { tops: [reshape(columns, [...shape.slice(0, axis), channels, ...taps.map(({ windows }) => windows)])] };
  },
});
