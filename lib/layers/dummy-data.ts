import type { DummyDataParameter } from "../caffe/messages.js";
import { dataLayer, type Place, shapeFault } from "./layer.js";

/**
 * DummyData: tops of given shapes, filled by fillers: no `data_filler` for zeros, one for all tops, or one each. Constant fillers
 * fill once, others anew for every batch. Shapes: one `shape` for all tops or one each, or the old `num`, `channels`, `height` and
 * `width`, each once or once a top. No bottoms.
 */
export const DummyData = dataLayer({
  type: "DummyData",
  param: "dummy_data_param",
  bottoms: 0,
  tops: [1, Number.POSITIVE_INFINITY],
  data: { origin: "fillers" },
  shapes: dummyShapes,
});

/** The shapes of a DummyData layer's tops. Throws what Caffe checks of its parameters. */
export function dummyShapes(
  place: Pick<Place<DummyDataParameter>, "param" | "topCount" | "error">,
): readonly (readonly number[])[] {
  const { param, topCount, error } = place;
  const { data_filler, shape, num, channels, height, width } = param;
  const once = (field: string, given: number, optional = false) => {
    if (given === 1 || given === topCount || (optional && given === 0)) return;
    const notes = [`give it ${optional ? "not at all, " : ""}once for all tops, or once for each`];
    throw error(
      `${given} ${field} for ${topCount} top${topCount === 1 ? "" : "s"}`,
      given > 0 ? field : undefined,
      notes,
    );
  };
  const legacy = { num, channels, height, width };
  const pick = <T>(values: readonly T[], i: number) => values[values.length === 1 ? 0 : i]!;
  const possible = (shapes: readonly (readonly number[])[]) => {
    for (const shape of shapes) {
      const fault = shapeFault(shape);
      if (fault)
        throw error(`a top is [${shape.length > 32 ? [...shape.slice(0, 32), "..."] : shape}], ${fault}`, "shape");
    }
    return shapes;
  };
  const each = Array.from({ length: topCount }, (_, i) => i);
  once("data_filler", data_filler.length, true);
  if (Object.values(legacy).every((values) => values.length === 0)) {
    once("shape", shape.length);
    return possible(each.map((i) => pick(shape, i).dim));
  }
  if (shape.length > 0) throw error("give shape, or num, channels, height and width, not both", "shape");
  for (const [field, values] of Object.entries(legacy)) once(field, values.length);
  return possible(each.map((i) => Object.values(legacy).map((values) => pick(values, i))));
}
