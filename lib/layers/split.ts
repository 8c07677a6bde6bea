import { computeLayer, forbidInPlace } from "./layer.js";

/** Split: every top is the bottom; its gradient is the sum of theirs. Nets need none: any blob may have several readers. Not in place. */
export const Split = computeLayer({
  type: "Split",
  param: null,
  bottoms: 1,
  tops: [1, Number.POSITIVE_INFINITY],
  caffeMemory: () => ({ readsBottom: "nothing", sharesValues: true }),
  sees: "place",
  lower(site) {
    forbidInPlace(site);
    return { tops: Array(site.topCount).fill(site.bottoms[0]!) };
  },
});
