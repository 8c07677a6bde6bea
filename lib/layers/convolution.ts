import { sub } from "../caffe/message.js";
import { count, type Value } from "../graph/index.js";
import { conv, reshape } from "../ops/index.js";
import { convGeometry } from "./geometry.js";
import { computeLayer } from "./layer.js";

/**
 * Convolution: y[n,k] = b[k] + sum over c, i, j of w[k,c,i,j] * x[n,c,...], cross-correlation over the axes behind `axis`.
 * Bottoms of one shape [n, c, ...spatial], a top each, all through the same weights w [num_output, c/group, ...kernel], b [num_output].
 * Size of a spatial axis: floor((size + 2*pad - (dilation*(kernel-1)+1)) / stride) + 1; Caffe rounds convolution down.
 */
export const Convolution = computeLayer({
  type: "Convolution",
  param: "convolution_param",
  bottoms: [1, Number.POSITIVE_INFINITY],
  tops: [1, Number.POSITIVE_INFINITY],
  topPerBottom: true,
  blobs(place) {
    const { param } = place;
    const { axis, kernel, attrs } = convGeometry(place);
    const shape = place.bottoms[0]!.type.shape;
    const channels = shape[axis]!;
    const { num_output, group } = param;
    if (num_output <= 0) throw place.error("num_output must be greater than 0", "num_output");
    if (group <= 0 || channels % group !== 0) {
      throw place.error(
        `group ${group} does not divide the ${channels} channels of bottom "${place.layer.bottom[0]}"`,
        "group",
      );
    }
    if (num_output % group !== 0) throw place.error(`group ${group} does not divide num_output ${num_output}`, "group");
    kernel.forEach((k, i) => {
      const size = shape[axis + 1 + i]!;
      const reach = attrs.dilations[i]! * (k - 1) + 1;
      if (reach <= size + 2 * attrs.pads[i]!) return;
      throw place.error(
        `the kernel covers ${reach} entries of axis ${axis + 1 + i}, which has ${size} and pads of ${attrs.pads[i]}`,
        "kernel_size",
        [`bottom "${place.layer.bottom[0]}" is [${shape}]`],
      );
    });
    const weight = { shape: [num_output, channels / group, ...kernel], filler: sub(param, "weight_filler") };
    return param.bias_term ? [weight, { shape: [num_output], filler: sub(param, "bias_filler") }] : [weight];
  },
  lower(site) {
    const { axis, attrs } = convGeometry(site);
    const [w, b] = site.blobs as [Value, Value | undefined];
    return { tops: site.bottoms.map((x) => overBatch(x, axis, (flat) => conv(flat, w, attrs, b))) };
  },
});

/** Applies an op that wants [n, c, ...] to a blob whose axes before the channel axis all count as batch. */
export function overBatch(x: Value, axis: number, op: (flat: Value) => Value): Value {
  const { shape } = x.type;
  const y = op(reshape(x, [count(shape, 0, axis), ...shape.slice(axis)]));
  return reshape(y, [...shape.slice(0, axis), ...y.type.shape.slice(1)]);
}
