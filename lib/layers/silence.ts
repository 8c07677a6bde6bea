import { computeLayer } from "./layer.js";

/** Silence: takes any number of bottoms so that they are no outputs of the net. No tops, no gradient. */
export const Silence = computeLayer({
  type: "Silence",
  param: null,
  bottoms: [1, Number.POSITIVE_INFINITY],
  tops: 0,
  inference: { as: "nothing" },
  silences: true,
  lower: () => ({ tops: [] }),
});
