import { constant, type Value } from "../graph/index.js";
import { placesOf } from "../ops/detection.js";
import { cast, equal, gather, not, reshape, slice, stopGradient, sumAll, topK } from "../ops/index.js";
import { computeLayer, type Site } from "./layer.js";

/**
 * Filter: the items whose selector is not 0, of every bottom but the last, which is the selector: [n] or [n, 1...]. A top each,
 * x [n, ...] to y [m, ...]: m depends on the data. Items that are skipped have gradient 0, the selector has none.
 */
export const Filter = computeLayer({
  type: "Filter",
  param: null,
  bottoms: [2, Number.POSITIVE_INFINITY],
  tops: [1, Number.POSITIVE_INFINITY],
  noGradientTo: [-1],
  lower: (site) => ({ tops: chosenItems(site) }),
  lowerForInference(site) {
    // Checks the bottoms, and tells how many items there are in the graph at hand.
    const tops = chosenItems(site);
    const selector = site.bottoms.at(-1)!;
    const places = placesOf(reshape(selector, [selector.type.shape[0]!]), tops[0]!.type.shape[0]!);
    return site.bottoms.slice(0, -1).map((x) => gather(x, places, 0));
  },
});

/** The chosen items of every bottom. Throws for bottoms that do not fit the selector. */
function chosenItems(site: Site<null>): readonly Value[] {
  const items = site.bottoms.slice(0, -1);
  const last = items.length;
  const { shape } = site.bottoms[last]!.type;
  if (site.topCount !== last) {
    throw site.error(`${site.topCount} tops for ${last} bottom${last === 1 ? "" : "s"} and a selector`, "top", [
      "give a top for each bottom but the last",
    ]);
  }
  if (shape.length === 0 || shape.slice(1).some((dim) => dim !== 1)) {
    throw site.bottomError(last, `the selector has one value an item, [n] or [n, 1...], not [${shape}]`);
  }
  const n = shape[0]!;
  items.forEach(({ type }, i) => {
    if (type.shape[0] !== n) throw site.bottomError(i, `[${type.shape}] does not have the ${n} items of the selector`);
  });
  const selector = reshape(stopGradient(site.bottoms[last]!), [n]);
  const chosen = cast(not(equal(selector, constant(0))), "float32");
  const m = site.size(sumAll(chosen), n);
  if (m === 0) return items.map((x) => slice(x, 0, 0, 0));
  return items.map((x) => gather(x, firsts(chosen, m), 0));
}

/** The indices of the m ones of a vector, rising: TopK gives the first of equal values first. */
const firsts = (ones: Value, m: number) => topK(ones, 0, m).indices;
