import type { Value } from "../graph/index.js";
import { conv, leakyRelu, relu } from "../ops/index.js";
import { convBlobs, convGeometry, convWindows, extended, overBatch } from "./geometry.js";
import { computeLayer } from "./layer.js";
import { convolutionWindow } from "./sliding-window.js";

/**
 * Convolution: y[n,k] = b[k] + sum over c, i, j of w[k,c,i,j] * x[n,c,...], cross-correlation over the axes behind `axis`.
 * Bottoms of one shape [n, c, ...spatial], a top each, all through the same weights w [num_output, c/group, ...kernel], b [num_output].
 * Intel's `relu` takes ReLU of it, of `negative_slope`.
 * Size of a spatial axis: trunc((size + 2*pad - (dilation*(kernel-1)+1)) / stride) + 1; Caffe rounds convolution towards 0.
 */
export const Convolution = computeLayer({
  type: "Convolution",
  param: "convolution_param",
  bottoms: [1, Number.POSITIVE_INFINITY],
  tops: [1, Number.POSITIVE_INFINITY],
  topPerBottom: true,
  sees: convolutionWindow,
  family: "convolution",
  blobs(place) {
    const specs = convBlobs(place, false);
    convWindows(place, convGeometry(place));
    return specs;
  },
  lower(site) {
    const geometry = convGeometry(site);
    const windows = convWindows(site, geometry);
    const [w, b] = site.blobs as [Value, Value | undefined];
    const convolve = (bottom: Value) =>
      overBatch(extended(bottom, geometry, windows), w, geometry, (x, wx, attrs) => conv(x, wx, attrs, b));
    const { relu: isRectified, negative_slope: slope } = site.param;
    const rectify = (y: Value) => (slope === 0 ? relu(y) : leakyRelu(y, slope));
    return { tops: site.bottoms.map((bottom) => (isRectified ? rectify(convolve(bottom)) : convolve(bottom))) };
  },
});
