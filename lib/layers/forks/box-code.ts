import { PriorBoxParameter_CodeType as CodeType } from "../../caffe/messages.js";
import { constant, type Value } from "../../graph/index.js";
import { add, concat, div, exp, log, mul, slice, sub } from "../../ops/index.js";

/** Halves of boxes [..., 4]: their lower or upper corners [..., 2]. */
const half = (x: Value, i: number) => slice(x, x.type.shape.length - 1, 2 * i, 2 * i + 2);
const sizeOf = (x: Value) => sub(half(x, 1), half(x, 0));

/** Boxes [n, p, 4] as offsets to priors [1, p, 4] by one of SSD's codes, variances apart. */
export function encodedBoxes(code: CodeType, boxes: Value, priors: Value): Value {
  switch (code) {
    case CodeType.CENTER_SIZE: {
      const centre = (x: Value) => mul(add(half(x, 0), half(x, 1)), constant(0.5));
      const moved = div(sub(centre(boxes), centre(priors)), sizeOf(priors));
      return concat([moved, log(div(sizeOf(boxes), sizeOf(priors)))], 2);
    }
    case CodeType.CORNER_SIZE:
      return div(sub(boxes, priors), concat([sizeOf(priors), sizeOf(priors)], 2));
    default:
      return sub(boxes, priors);
  }
}

/** Corners of boxes [..., p, 4] from offsets to priors that broadcast, by one of SSD's codes; offsets are multiplied by variances. */
export function decodedBoxes(code: CodeType, offsets: Value, priors: Value, variances: Value | undefined): Value {
  const scaled = variances ? mul(offsets, variances) : offsets;
  const last = scaled.type.shape.length - 1;
  const size = sizeOf(priors);
  switch (code) {
    case CodeType.CENTER_SIZE: {
      const centre = add(mul(half(scaled, 0), size), div(add(half(priors, 0), half(priors, 1)), constant(2)));
      const extent = div(mul(exp(half(scaled, 1)), size), constant(2));
      return concat([sub(centre, extent), add(centre, extent)], last);
    }
    case CodeType.CORNER_SIZE:
      return add(priors, mul(scaled, concat([size, size], size.type.shape.length - 1)));
    default:
      return add(priors, scaled);
  }
}
