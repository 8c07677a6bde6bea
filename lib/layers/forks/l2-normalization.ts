import { constant, count } from "../../graph/index.js";
import { div, max, mul, reduceSum, sqrt } from "../../ops/index.js";
import { bottomText, computeLayer, unsupported } from "../layer.js";

/** The least sum of squares: rows of zeros stay zeros. */
const LEAST = 1e-30;

/**
 * Each row of x [n, c], or [n, c, 1, 1], divided by its length. Forks of these names differ for maps of several places, over all of
 * which or over whose channels they sum: those are refused.
 */
const rowsOfLengthOne = (type: string) =>
  computeLayer({
    type,
    param: null,
    bottoms: 1,
    tops: 1,
    topShapes: (_, shapeOf) => [shapeOf(0)],
    lower(site) {
      const x = site.bottoms[0]!;
      const { shape } = x.type;
      if (shape.length < 2 || count(shape, 2) !== 1)
        throw unsupported(
          site.bottomError(0, `${bottomText(site, 0)} is not rows [n, c]`, [
            "forks of that name normalise maps over other axes: Normalize with norm_param says over which",
          ]),
        );
      const squares = reduceSum(mul(x, x), [1], true);
      return { tops: [div(x, sqrt(max(squares, constant(LEAST))))] };
    },
  });

/** L2Normalization (compact bilinear pooling, retrieval forks): rows of length 1. */
export const L2Normalization = rowsOfLengthOne("L2Normalization");

/** Normalization (metric learning, FaceNet and tracking forks): rows of length 1. */
export const Normalization = rowsOfLengthOne("Normalization");
