import { float32, input, type Value } from "../graph/index.js";
import { type UpdateSettings, update } from "../optim/update.js";

/**
 * The update of a vector of `length` parameters with the same multipliers: inputs w, g, h0, h1 ... [length] and the scalars rate, decay
 * and scale; outputs new/w and new/h0, new/h1 ... The rule acts on scale * g + decay * w (L2) or scale * g + decay * sign(w) (L1).
 */
export function updateGraph(settings: UpdateSettings, length: number): ReadonlyMap<string, Value> {
  const vector = (name: string) => input(name, float32([length]));
  const scalar = (name: string) => input(name, float32([1]));
  const [w, ...h] = update(settings, {
    w: vector("w"),
    g: vector("g"),
    h: Array.from({ length: settings.rule.slots }, (_, slot) => vector(`h${slot}`)),
    rate: scalar("rate"),
    decay: scalar("decay"),
    scale: scalar("scale"),
  });
  return new Map([["new/w", w!], ...h.map((value, slot) => [`new/h${slot}`, value] as const)]);
}

export type { UpdateSettings };
