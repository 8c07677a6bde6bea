import { applyAll, constant, type Value } from "../graph/index.js";
import { add, meaning, mul, sign } from "../ops/index.js";
import type { RuleSettings, UpdateRule } from "./rules.js";

/** Description of how a solver changes weights. */
export interface UpdateSettings {
  readonly rule: UpdateRule;
  readonly settings: RuleSettings;
  readonly regularization: Regularization;
}

/** The penalty of weight decay: by absolute values, by squares, or by squares and `l1` times absolute values. */
export type Regularization = "L1" | "L2" | { readonly l1: number };

/** The gradient of a penalty: sign(w) of L1, w of L2, w + l1 * sign(w) of both. */
export function penaltyGradient(regularization: Regularization, w: Value): Value {
  if (regularization === "L2") return w;
  return regularization === "L1" ? sign(w) : add(w, mul(constant(regularization.l1), sign(w)));
}

/** The vectors and scalars of an update; all vectors have one length. */
export interface UpdateInputs {
  readonly w: Value;
  /** The gradient as it was summed. */
  readonly g: Value;
  readonly h: readonly Value[];
  readonly rate: Value;
  readonly decay: Value;
  readonly scale: Value;
}

/** One update of a vector of parameters: w, g, rate, decay, scale, then the history; the new w and the new history. */
export const Update = meaning<UpdateSettings>("Update", [5, Number.POSITIVE_INFINITY], (_, w, _g, _r, _d, _s, ...h) => [
  w!,
  ...h,
]);

/** The new parameters and history, as a target computes them. */
export function update(settings: UpdateSettings, { w, g, h, rate, decay, scale }: UpdateInputs): readonly Value[] {
  return applyAll(Update, settings, w, g, rate, decay, scale, ...h);
}

/** An update in elementwise ops: the rule acts on scale * g + decay * the penalty's gradient. */
export function elementwiseUpdate({ rule, settings, regularization }: UpdateSettings, inputs: readonly Value[]) {
  const [w, g, rate, decay, scale, ...h] = inputs as [Value, Value, Value, Value, Value, ...Value[]];
  const penalty = penaltyGradient(regularization, w);
  const whole = add(mul(scale, g), mul(decay, penalty));
  const next = rule.update({ w, g: whole, h, rate, settings });
  return [next.w, ...next.h];
}
