import { applyAll, type Value } from "../graph/index.js";
import { add, meaning, mul, sign } from "../ops/index.js";
import type { RuleSettings, UpdateRule } from "./rules.js";

/** Description of how a solver changes weights. */
export interface UpdateSettings {
  readonly rule: UpdateRule;
  readonly settings: RuleSettings;
  readonly regularization: "L1" | "L2";
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

/** An update in elementwise ops: the rule acts on scale * g + decay * w (L2) or scale * g + decay * sign(w) (L1). */
export function elementwiseUpdate({ rule, settings, regularization }: UpdateSettings, inputs: readonly Value[]) {
  const [w, g, rate, decay, scale, ...h] = inputs as [Value, Value, Value, Value, Value, ...Value[]];
  const penalty = regularization === "L2" ? w : sign(w);
  const whole = add(mul(scale, g), mul(decay, penalty));
  const next = rule.update({ w, g: whole, h, rate, settings });
  return [next.w, ...next.h];
}
