import { Const, type Constant, isOp, type Value } from "../../graph/index.js";
import { add, mul } from "../../ops/index.js";
import { penaltyGradient, Update } from "../../optim/update.js";
import { expansion } from "../portable.js";

/**
 * The update of a round, whose scale and decay are constants: without a factor of 1, and without weight decay where there is none. Each
 * operation is a launch for each parameter, and half of all parameters, biases, mostly have no decay. A gradient of -0 stays one.
 */
export const constantUpdate = expansion(
  "update by constants",
  Update,
  ({ rule, settings, regularization }, ...inputs) => {
    const [w, g, rate, decay, scale, ...h] = inputs as [Value, Value, Value, Value, Value, ...Value[]];
    const scaled = isConstant(scale, 1) ? g : mul(scale, g);
    const penalty = penaltyGradient(regularization, w);
    const whole = isConstant(decay, 0) ? scaled : add(scaled, mul(decay, penalty));
    const next = rule.update({ w, g: whole, h, rate, settings });
    return [next.w, ...next.h];
  },
);

/** Tests whether a value is that number, known when the graph is built. */
function isConstant({ node, type }: Value, value: number): boolean {
  return isOp(node, Const) && type.shape.length === 0 && (node.attrs as Constant).data[0] === value;
}
