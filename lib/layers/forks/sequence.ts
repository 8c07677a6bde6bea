import { reverse, transpose } from "../../ops/index.js";
import { computeLayer, forbidInPlace } from "../layer.js";

/** Reverse (OCR forks): the entries along `axis` in the opposite order. */
export const Reverse = computeLayer({
  type: "Reverse",
  param: "reverse_param",
  bottoms: 1,
  tops: 1,
  lower(site) {
    forbidInPlace(site);
    const x = site.bottoms[0]!;
    const { axis } = site.param;
    if (x.type.shape[axis] === undefined)
      throw site.error(`axis ${axis} is out of range for a blob of ${x.type.shape.length} axes`, "axis");
    return { tops: [reverse(x, axis)] };
  },
});

/** Transpose (OCR forks): axis i of y is axis dim[i] of x. */
export const Transpose = computeLayer({
  type: "Transpose",
  param: "transpose_param",
  bottoms: 1,
  tops: 1,
  lower(site) {
    forbidInPlace(site);
    const x = site.bottoms[0]!;
    const { dim } = site.param;
    const axes = x.type.shape.map((_, axis) => axis);
    if ([...dim].sort((a, b) => a - b).join() !== axes.join())
      throw site.error(`dim ${dim.join(", ")} is not an order of the ${axes.length} axes`, "dim");
    return { tops: [transpose(x, dim)] };
  },
});
