import { float32, input, type Value } from "../graph/index.js";
import { add, mul, sign } from "../ops/index.js";
import type { RuleSettings, UpdateRule } from "../optim/rules.js";

/** How a solver changes weights. */
export interface UpdateSettings {
  readonly rule: UpdateRule;
  readonly settings: RuleSettings;
  readonly regularization: "L1" | "L2";
}

/**
 * The update of a vector of `length` parameters with the same multipliers: inputs w, g, h0, h1 ... [length] and the scalars rate, decay
 * and scale; outputs new/w and new/h0, new/h1 ... The rule acts on scale * g + decay * w (L2) or scale * g + decay * sign(w) (L1).
 */
export function updateGraph(
  { rule, settings, regularization }: UpdateSettings,
  length: number,
): ReadonlyMap<string, Value> {
  const vector = (name: string) => input(name, float32([length]));
  const scalar = (name: string) => input(name, float32([1]));
  const w = vector("w");
  const h = Array.from({ length: rule.slots }, (_, slot) => vector(`h${slot}`));
  const penalty = regularization === "L2" ? w : sign(w);
  const g = add(mul(scalar("scale"), vector("g")), mul(scalar("decay"), penalty));
  const next = rule.update({ w, g, h, rate: scalar("rate"), settings });
  return new Map([["new/w", next.w], ...next.h.map((value, slot) => [`new/h${slot}`, value] as const)]);
}
