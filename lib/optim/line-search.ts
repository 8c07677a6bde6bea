/** A point of a search along a line: the step, the objective there and its slope along the line. */
export interface LinePoint {
  readonly step: number;
  readonly value: number;
  readonly slope: number;
}

/** Limits of a search. */
export interface LineSearchSettings {
  /** The first step that is tried. */
  readonly first: number;
  /** Share of the decrease that the slope promises which a step must have (Armijo's condition). */
  readonly decrease: number;
  /** Share of the slope's magnitude that is left at most (the strong Wolfe condition); undefined: any slope will do. */
  readonly curvature: number | undefined;
}

/** Evaluations of one search at most. */
const MOST = 25;
/** Share of the objective that is rounding: float32 has seven digits. */
const ROUNDING = 1e-6;

/**
 * Searches along a line for a step that decreases an objective enough: backtracking without a `curvature`, else bracketing and zooming by cubic
 * interpolation to the strong Wolfe conditions. Values that are not finite count as too large. Undefined where no step is found.
 * Source: Nocedal and Wright, Numerical Optimization, algorithms 3.1, 3.5 and 3.6.
 */
export async function lineSearch(
  start: LinePoint,
  at: (step: number) => Promise<LinePoint>,
  { first, decrease, curvature }: LineSearchSettings,
): Promise<LinePoint | undefined> {
  const slack = ROUNDING * Math.abs(start.value);
  const isLow = ({ step, value }: LinePoint) => value <= start.value + decrease * step * start.slope + slack;
  const isFlat = ({ slope }: LinePoint) => curvature === undefined || Math.abs(slope) <= -curvature * start.slope;
  let left = MOST;
  const tried = async (step: number) => {
    left--;
    return at(step);
  };
  let low = start;
  let high: LinePoint | undefined;
  let step = first;
  let best: LinePoint | undefined;
  while (left > 0) {
    const point = await tried(step);
    if (!Number.isFinite(point.value) || !isLow(point) || (low !== start && point.value > low.value)) {
      high = point;
    } else {
      if (best === undefined || point.value <= best.value) best = point;
      if (isFlat(point)) return point;
      const uphill = high ? point.slope * (high.step - low.step) >= 0 : point.slope >= 0;
      if (uphill) high = low;
      low = point;
    }
    if (high === undefined) step = 2 * step;
    else {
      const width = Math.abs(high.step - low.step);
      if (width <= 1e-10 * Math.max(Math.abs(low.step), Math.abs(high.step))) break;
      step = inside(low, high);
    }
  }
  // A step that decreases the objective is taken, although it is steep there.
  return best !== undefined && best.value < start.value ? best : undefined;
}

/** A step between two points: the minimum of the cubic through both, kept away from the ends. */
function inside(low: LinePoint, high: LinePoint): number {
  const width = high.step - low.step;
  const middle = low.step + width / 2;
  if (!Number.isFinite(high.value) || !Number.isFinite(high.slope)) return low.step + width / 10;
  const d1 = low.slope + high.slope - (3 * (low.value - high.value)) / (low.step - high.step);
  const root = d1 * d1 - low.slope * high.slope;
  if (!(root >= 0)) return middle;
  const d2 = Math.sign(width) * Math.sqrt(root);
  const step = high.step - (width * (high.slope + d2 - d1)) / (high.slope - low.slope + 2 * d2);
  const [from, to] = [low.step + width / 10, high.step - width / 10];
  if (!Number.isFinite(step)) return middle;
  return width > 0 ? Math.min(to, Math.max(from, step)) : Math.max(to, Math.min(from, step));
}
