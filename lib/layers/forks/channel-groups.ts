import { neg, reduceMax, relu, reshape } from "../../ops/index.js";
import { concat } from "../../ops/shape.js";
import { bottomText, computeLayer } from "../layer.js";

/** CReLU: y = max(x, 0) and max(-x, 0), one after the other along the channels. x [n, c, ...], y [n, 2c, ...]. */
export const CReLU = computeLayer({
  type: "CReLU",
  param: null,
  bottoms: 1,
  tops: 1,
  sees: "place",
  lower(site) {
    const x = site.bottoms[0]!;
    if (x.type.shape.length < 2) throw site.bottomError(0, `${bottomText(site, 0)} has no channels`);
    return { tops: [concat([relu(x), relu(neg(x))], 1)] };
  },
});

/** Maxout: the greatest of each `chgroup_sz` channels. x [n, c, ...], y [n, c / chgroup_sz, ...]. */
export const Maxout = computeLayer({
  type: "Maxout",
  param: "maxout_param",
  bottoms: 1,
  tops: 1,
  sees: "place",
  lower(site) {
    const x = site.bottoms[0]!;
    const [n, c, ...places] = x.type.shape;
    const size = site.param.chgroup_sz;
    if (n === undefined || c === undefined) throw site.bottomError(0, `${bottomText(site, 0)} has no channels`);
    if (size <= 0 || c % size !== 0)
      throw site.error(`chgroup_sz ${size} does not divide the ${c} channels of ${bottomText(site, 0)}`, "chgroup_sz");
    return { tops: [reduceMax(reshape(x, [n, c / size, size, ...places]), [2])] };
  },
});
