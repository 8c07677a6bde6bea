import { concat } from "../ops/index.js";
import { SAME_MEMORY } from "./caffe-memory.js";
import { computeLayer } from "./layer.js";
import { legacyAxis } from "./legacy-axis.js";

/**
 * Concat: bottoms joined along `axis` (or the old, never negative `concat_dim`). They agree in all other axes; the top has the sum
 * of their sizes there.
 */
export const Concat = computeLayer({
  type: "Concat",
  param: "concat_param",
  bottoms: [1, Number.POSITIVE_INFINITY],
  tops: 1,
  caffeMemory: ({ bottom }) => (bottom.length === 1 ? SAME_MEMORY : { readsBottom: "nothing" }),
  sees: "place",
  lower(site) {
    const first = site.bottoms[0]!.type.shape;
    const axis = legacyAxis(site, "concat_dim", site.param.concat_dim, first.length);
    site.bottoms.forEach(({ type: { shape } }, i) => {
      if (shape.length === first.length && shape.every((dim, k) => k === axis || dim === first[k])) return;
      throw site.bottomError(i, `[${shape}] does not join [${first}] along axis ${axis}`, [
        "all bottoms have the same axes and, but for that one, the same dims",
      ]);
    });
    return { tops: [concat(site.bottoms, axis)] };
  },
});
