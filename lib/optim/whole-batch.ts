import type { LineSearchSettings } from "./line-search.js";
import { type UpdateRule, updateRules } from "./rules.js";

type Vectors = readonly Float32Array[];

/** A direction to search along, and the first step to try. */
export interface Direction {
  readonly direction: Float64Array;
  readonly first: number;
}

/**
 * A method for problems whose objective is the same in every iteration: it searches along a line for the next parameters. Its history, vectors of
 * float32 that are zeros at the start, is all that an iteration depends on.
 */
export interface WholeBatchMethod {
  /** The name that SolverParameter.type has. */
  readonly type: string;
  /** Vectors of history. */
  readonly slots: number;
  readonly search: Omit<LineSearchSettings, "first">;
  /** The direction from a gradient. */
  direction(gradient: Float64Array, history: Vectors): Direction;
  /** Changes the history after a step: parameters by `move`, gradients from `gradient` to `next`. */
  remember(history: Vectors, step: Taken): void;
}

/** A step that was taken. */
export interface Taken {
  readonly direction: Float64Array;
  /** Change of the parameters. */
  readonly move: Float64Array;
  readonly gradient: Float64Array;
  readonly next: Float64Array;
}

type Numbers = Float32Array | Float64Array;

/** The inner product of two vectors. */
export function dot(a: Numbers, b: Numbers): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function addTo(target: Float64Array, factor: number, values: Numbers): void {
  for (let i = 0; i < target.length; i++) target[i]! += factor * values[i]!;
}

const isZero = (values: Numbers): boolean => values.every((value) => value === 0);
const opposite = (values: Float64Array): Float64Array => values.map((value) => -value);

/** A first step that changes parameters by 1 at most in sum, where nothing is known of the objective's curvature. */
const cautious = (gradient: Float64Array): number =>
  Math.min(1, 1 / gradient.reduce((sum, value) => sum + Math.abs(value), 0));

/** The first step by the last one: the same first-order change of the objective. */
function likeBefore(direction: Float64Array, gradient: Float64Array, move: Float32Array, before: Float32Array): number {
  const step = dot(move, before) / dot(direction, gradient);
  return Number.isFinite(step) && step > 0 ? step : cautious(gradient);
}

/** Pairs of moves and changes of the gradient that L-BFGS keeps. */
const PAIRS = 10;

/** L-BFGS: minus the gradient times an inverse Hessian made of the last 10 steps. Source: Nocedal 1980; two-loop recursion. */
const LBFGS: WholeBatchMethod = {
  type: "LBFGS",
  slots: 2 * PAIRS,
  search: { decrease: 1e-4, curvature: 0.9 },
  direction(gradient, history) {
    const pairs = history
      .slice(0, PAIRS)
      .map((move, i) => ({ move, change: history[PAIRS + i]! }))
      .filter(({ move }) => !isZero(move))
      .map((pair) => ({ ...pair, rho: 1 / dot(pair.move, pair.change) }));
    const direction = opposite(gradient);
    if (pairs.length === 0) return { direction, first: cautious(gradient) };
    const alphas = pairs.map(({ move, change, rho }) => {
      const alpha = rho * dot(move, direction);
      addTo(direction, -alpha, change);
      return alpha;
    });
    const [{ rho, change }] = pairs as [(typeof pairs)[number]];
    const scale = 1 / (rho * dot(change, change));
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
    for (let i = pairs.length - 1; i >= 0; i--) {
      const { move, change, rho } = pairs[i]!;
      addTo(direction, alphas[i]! - rho * dot(change, direction), move);
    }
    return { direction, first: 1 };
  },
  remember(history, { move, gradient, next }) {
    const change = next.map((value, i) => value - gradient[i]!);
    // Without curvature along it, a step says nothing of the Hessian.
    if (!(dot(move, change) > 1e-12 * dot(change, change))) return;
    for (let i = PAIRS - 1; i > 0; i--) {
      history[i]!.set(history[i - 1]!);
      history[PAIRS + i]!.set(history[PAIRS + i - 1]!);
    }
    history[0]!.set(move);
    history[PAIRS]!.set(change);
  },
};

/** Nonlinear conjugate gradient by Polak and Ribiere's formula, which starts anew where that is negative. History: gradient, direction, move. */
const ConjugateGradient: WholeBatchMethod = {
  type: "ConjugateGradient",
  slots: 3,
  search: { decrease: 1e-4, curvature: 0.1 },
  direction(gradient, [before, last, move]) {
    const direction = opposite(gradient);
    if (isZero(move!)) return { direction, first: cautious(gradient) };
    const beta = Math.max(0, (dot(gradient, gradient) - dot(gradient, before!)) / dot(before!, before!));
    addTo(direction, beta, last!);
    return { direction, first: likeBefore(direction, gradient, move!, before!) };
  },
  remember([before, last, move], taken) {
    before!.set(taken.gradient);
    last!.set(taken.direction);
    move!.set(taken.move);
  },
};

/** Steepest descent with a backtracking search. History: gradient, move. */
const LineGradientDescent: WholeBatchMethod = {
  type: "LineGradientDescent",
  slots: 2,
  search: { decrease: 1e-4, curvature: undefined },
  direction(gradient, [before, move]) {
    const direction = opposite(gradient);
    if (isZero(move!)) return { direction, first: cautious(gradient) };
    // Twice as far as the last one went, or steps could only get shorter.
    return { direction, first: 2 * likeBefore(direction, gradient, move!, before!) };
  },
  remember([before, move], taken) {
    before!.set(taken.gradient);
    move!.set(taken.move);
  },
};

/** Methods beside Caffe's solvers, by the name that SolverParameter.type has. */
export const wholeBatchMethods = { LBFGS, ConjugateGradient, LineGradientDescent } as const satisfies Readonly<
  Record<string, WholeBatchMethod>
>;

/** A solver's type: an update rule of Caffe's, or a method that searches along lines. */
export type SolverType = keyof typeof updateRules | keyof typeof wholeBatchMethods;

/** The method of a type; undefined where that is an update rule. */
export const methodOf = (type: SolverType): WholeBatchMethod | undefined =>
  (wholeBatchMethods as Readonly<Record<string, WholeBatchMethod>>)[type];

/** The update rule of a type. Throws where that is a method of its own. */
export function ruleOf(type: SolverType): UpdateRule {
  const rule = (updateRules as Readonly<Record<string, UpdateRule>>)[type];
  if (!rule) throw new Error(`${type} is not an update rule`);
  return rule;
}

/** Vectors of history for each parameter. */
export const slotsOf = (type: SolverType): number => (methodOf(type) ?? ruleOf(type)).slots;

/** All types of solvers. */
export const solverTypes: readonly string[] = [...Object.keys(updateRules), ...Object.keys(wholeBatchMethods)];
