import type { Value } from "../graph/index.js";
import { convTranspose } from "../ops/index.js";
import { convBlobs, convGeometry, overBatch, reach } from "./geometry.js";
import { computeLayer } from "./layer.js";
import { convolutionWindow } from "./sliding-window.js";

/**
 * Deconvolution: the adjoint of Convolution in its input, each entry of x spread over a kernel, plus a bias.
 * Bottoms of one shape [n, c, ...spatial], a top each; weights [c, num_output/group, ...kernel], b [num_output].
 * Size of a spatial axis: stride*(size-1) + dilation*(kernel-1)+1 - 2*pad.
 */
export const Deconvolution = computeLayer({
  type: "Deconvolution",
  param: "convolution_param",
  bottoms: [1, Number.POSITIVE_INFINITY],
  tops: [1, Number.POSITIVE_INFINITY],
  topPerBottom: true,
  family: "convolution",
  spreads: convolutionWindow,
  blobs(place) {
    const geometry = convGeometry(place);
    const { axis, kernel, attrs } = geometry;
    const { shape } = place.bottoms[0]!.type;
    const specs = convBlobs(place, true);
    kernel.forEach((_, i) => {
      const size = attrs.strides[i]! * (shape[axis + 1 + i]! - 1) + reach(geometry, i) - 2 * attrs.pads[i]!;
      if (size > 0) return;
      throw place.error(`pad ${attrs.pads[i]} leaves ${size} entries of axis ${axis + 1 + i}`, "pad");
    });
    return specs;
  },
  lower(site) {
    if (site.param.relu) throw site.error("relu is for convolutions: write a ReLU layer", "relu");
    const geometry = convGeometry(site);
    const [w, b] = site.blobs as [Value, Value | undefined];
    return {
      tops: site.bottoms.map((bottom) =>
        overBatch(bottom, w, geometry, (x, wx, attrs) => convTranspose(x, wx, attrs, b)),
      ),
    };
  },
});
