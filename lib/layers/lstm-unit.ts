import { constant, type Value } from "../graph/index.js";
import { add, equal, mul, reshape, sigmoid, slice, stopGradient, sub, tanh, where } from "../ops/index.js";
import { bottomText, computeLayer } from "./layer.js";
import { withSlope } from "./slope.js";

/**
 * LSTMUnit: one step of an LSTM. Bottoms: c' [1, n, d], the gates' inputs [1, n, 4d] in the order i, f, o, g, and cont [1, n],
 * 0 where a sequence begins and else 1. c = cont f c' + i g, h = o tanh(c) with i, f, o = sigmoid and g = tanh of their inputs.
 * Tops: c and h, [1, n, d]. cont has no gradient; for a fractional cont Caffe takes F (1 - F) for the slope of F = cont f.
 */
export const LSTMUnit = computeLayer({
  type: "LSTMUnit",
  param: null,
  bottoms: 3,
  tops: 2,
  caffeMemory: () => ({ readsTop: "values" }),
  noGradientTo: [2],
  lower(site) {
    const shapes = site.bottoms.map(({ type }) => type.shape);
    const cell = shapes[0]!;
    shapes.forEach((shape, i) => {
      const axes = i === 2 ? 2 : 3;
      if (shape.length !== axes) throw site.bottomError(i, `${bottomText(site, i)} does not have ${axes} axes`);
      if (shape[0] !== 1) throw site.bottomError(i, `${bottomText(site, i)} is not one timestep`);
      if (shape[1] === cell[1]) return;
      throw site.bottomError(i, `${bottomText(site, i)} and ${bottomText(site, 0)} differ in their streams`);
    });
    const [, n, d] = cell as [number, number, number];
    const gates = shapes[1]![2]!;
    if (gates !== 4 * d) {
      throw site.bottomError(
        1,
        `${bottomText(site, 1)} does not have the inputs of 4 gates for each of the ${d} cells of ${bottomText(site, 0)}`,
      );
    }
    const [c, x, flags] = site.bottoms as [Value, Value, Value];
    return { tops: lstmStep(c, x, reshape(flags, [1, n, 1])) };
  },
});

/** One step: c' [1, n, d], gate inputs [1, n, 4d], cont [1, n, 1]; gives c and h. */
export function lstmStep(c: Value, x: Value, cont: Value): readonly [c: Value, h: Value] {
  const d = c.type.shape[2]!;
  const gate = (k: number) => slice(x, 2, k * d, (k + 1) * d);
  const [i, o, g] = [sigmoid(gate(0)), sigmoid(gate(2)), tanh(gate(3))];
  const flag = stopGradient(cont);
  const kept = where(equal(flag, constant(0)), constant(0), mul(flag, stopGradient(sigmoid(gate(1)))));
  const f = withSlope(kept, gate(1), mul(kept, sub(constant(1), kept)));
  const next = add(mul(f, c), mul(i, g));
  return [next, mul(o, tanh(next))];
}
