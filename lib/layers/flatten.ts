import { count } from "../graph/index.js";
import { reshape } from "../ops/index.js";
import { canonicalAxis, computeLayer, forbidInPlace } from "./layer.js";

/** Flatten: the axes from `axis` to `end_axis`, both included, become one; the others stay. Not in place. */
export const Flatten = computeLayer({
  type: "Flatten",
  param: "flatten_param",
  bottoms: 1,
  tops: 1,
  caffeMemory: () => ({
    readsBottom: "nothing",
    sharesValues: true,
    rebindsGradient: true,
    ignoresPropagateDown: true,
  }),
  lower(site) {
    forbidInPlace(site);
    const x = site.bottoms[0]!;
    const { shape } = x.type;
    const start = canonicalAxis(site, site.param.axis, shape.length);
    const end = canonicalAxis(site, site.param.end_axis, shape.length, "end_axis") + 1;
    // Equal stands for no axes: one of size 1 comes in between, as Caffe has it.
    if (start > end) throw site.error(`end_axis ${end - 1} comes before axis ${start}`, "end_axis");
    return { tops: [reshape(x, [...shape.slice(0, start), count(shape, start, end), ...shape.slice(end)])] };
  },
});
