import { sameShape } from "../../graph/index.js";
import { add, mul, reshape } from "../../ops/index.js";
import { computeLayer } from "../layer.js";

/** Axpy (SENet): a * x + y, with a number a for each channel. Bottoms: a [n,c] or [n,c,1,1], x and y [n,c,h,w]. */
export const Axpy = computeLayer({
  type: "Axpy",
  param: null,
  bottoms: 3,
  tops: 1,
  lower({ bottoms, bottomError }) {
    const [a, x, y] = bottoms;
    const { shape } = x!.type;
    const [n, c, ...rest] = shape as [number, number, ...number[]];
    if (a!.type.shape.slice(2).some((dim) => dim !== 1) || a!.type.shape[0] !== n || a!.type.shape[1] !== c)
      throw bottomError(0, `[${a!.type.shape}] is not a number for each channel of [${shape}]`);
    if (!sameShape(y!.type.shape, shape)) throw bottomError(2, `[${y!.type.shape}] differs from [${shape}]`);
    return { tops: [add(mul(reshape(a!, [n, c, ...rest.map(() => 1)]), x!), y!)] };
  },
});
