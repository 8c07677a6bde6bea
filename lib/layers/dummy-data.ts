import { create } from "../caffe/message.js";
import type { DummyDataParameter } from "../caffe/messages.js";
import { constant } from "../graph/index.js";
import { expand } from "../ops/index.js";
import { computeLayer, type Place } from "./layer.js";

const ZERO = create("FillerParameter", {});

/**
 * DummyData: tops of given shapes, filled by fillers: no `data_filler` for zeros, one for all tops, or one each. Constant fillers
 * fill once, others anew at every forward. Shapes: one `shape` for all tops or one each, or the old `num`, `channels`, `height` and
 * `width`, each once or once a top. No bottoms, no gradient.
 */
export const DummyData = computeLayer({
  type: "DummyData",
  param: "dummy_data_param",
  bottoms: 0,
  tops: [1, Number.POSITIVE_INFINITY],
  lower(site) {
    const { data_filler: fillers } = site.param;
    once(site, "data_filler", fillers.length, true);
    const tops = topShapes(site).map((shape, i) => {
      const filler = fillers[fillers.length === 1 ? 0 : i] ?? ZERO;
      return filler.type === "constant" ? expand(constant(filler.value), shape) : site.random(shape, filler);
    });
    return { tops };
  },
});

function topShapes(site: Place<DummyDataParameter>): readonly (readonly number[])[] {
  const { param, topCount } = site;
  const { shape, num, channels, height, width } = param;
  const legacy = { num, channels, height, width };
  const pick = <T>(values: readonly T[], i: number) => values[values.length === 1 ? 0 : i]!;
  const each = Array.from({ length: topCount }, (_, i) => i);
  if (Object.values(legacy).every((values) => values.length === 0)) {
    once(site, "shape", shape.length, false);
    return each.map((i) => pick(shape, i).dim);
  }
  if (shape.length > 0) throw site.error("give shape, or num, channels, height and width, not both", "shape");
  for (const [field, values] of Object.entries(legacy)) once(site, field, values.length, false);
  return each.map((i) => Object.values(legacy).map((values) => pick(values, i)));
}

/** Throws unless a field is given once, or once a top (or, where that is allowed, not at all). */
function once(site: Place<DummyDataParameter>, field: string, given: number, optional: boolean): void {
  if (given === 1 || given === site.topCount || (optional && given === 0)) return;
  throw site.error(`${given} ${field} for ${site.topCount} tops`, given > 0 ? field : undefined, [
    `give it ${optional ? "not at all, " : ""}once for all tops, or once for each`,
  ]);
}
