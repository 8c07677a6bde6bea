import { constant } from "../graph/index.js";
import { exp, mul } from "../ops/index.js";
import { computeLayer } from "./layer.js";
import { logBase } from "./logarithm.js";

/** Exp: y = base^(scale * x + shift), element by element; base -1 stands for e. As Caffe, base^shift * exp(log(base) * scale * x). */
export const Exp = computeLayer({
  type: "Exp",
  param: "exp_param",
  bottoms: 1,
  tops: 1,
  caffeMemory: () => ({ readsBottom: "nothing", readsTop: "entries" }),
  sees: "place",
  lower(site) {
    const { base, scale, shift } = site.param;
    const inner = Math.fround(logBase(site) * scale);
    const outer = shift === 0 ? 1 : base === -1 ? Math.exp(shift) : base ** shift;
    const x = site.bottoms[0]!;
    const y = exp(inner === 1 ? x : mul(x, constant(inner)));
    return { tops: [outer === 1 ? y : mul(y, constant(outer))] };
  },
});
