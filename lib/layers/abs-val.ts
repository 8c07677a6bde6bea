import { abs } from "../ops/index.js";
import { computeLayer, forbidInPlace } from "./layer.js";

/** AbsVal: y = |x|, element by element. The gradient at 0 is 0. Not in place. */
export const AbsVal = computeLayer({
  type: "AbsVal",
  param: null,
  bottoms: 1,
  tops: 1,
  sees: "place",
  lower(site) {
    forbidInPlace(site);
    return { tops: [abs(site.bottoms[0]!)] };
  },
});
