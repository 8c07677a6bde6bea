import { count } from "../graph/index.js";
import { type Layout, learns, type Slot, view } from "../net/layout.js";

/** Trained parameters of a layout that have a greatest norm. */
export const normedSlots = ({ slots }: Layout): readonly Slot[] =>
  [...slots.values()].filter(({ parameter }) => parameter.maxNorm !== undefined && learns(parameter));

/**
 * Makes the weights into each unit that are longer than `max_norm` as long as that: w *= min(1, max_norm / |w|), |w| the Euclidean norm of a
 * slice along the axis of units. A mean of such weights is no longer either, so that averaging keeps it. Source: Srivastava et al., Dropout, 2014,
 * section 5.1; H2O's max_w2 is the square of max_norm.
 */
export function limitNorms(weights: Float32Array, slots: readonly Slot[]): void {
  for (const slot of slots) {
    const { spec, maxNorm } = slot.parameter;
    const axis = spec.unitAxis ?? 0;
    const units = spec.shape[axis]!;
    const [outer, inner] = [count(spec.shape, 0, axis), count(spec.shape, axis + 1)];
    const values = view(weights, slot);
    for (let unit = 0; unit < units; unit++) limitUnit(values, { outer, units, inner, unit, limit: maxNorm! });
  }
}

interface Unit {
  readonly outer: number;
  readonly units: number;
  readonly inner: number;
  readonly unit: number;
  readonly limit: number;
}

function limitUnit(values: Float32Array, { outer, units, inner, unit, limit }: Unit): void {
  let squares = 0;
  for (let o = 0; o < outer; o++) {
    const first = (o * units + unit) * inner;
    for (let i = first; i < first + inner; i++) squares += values[i]! * values[i]!;
  }
  if (squares <= limit * limit) return;
  const factor = limit / Math.sqrt(squares);
  for (let o = 0; o < outer; o++) {
    const first = (o * units + unit) * inner;
    for (let i = first; i < first + inner; i++) values[i]! *= factor;
  }
}
