import { transpose } from "../../ops/index.js";
import { computeLayer } from "../layer.js";

/** Permute (SSD): axes in another order; those that `order` does not name follow as they are. */
export const Permute = computeLayer({
  type: "Permute",
  param: "permute_param",
  bottoms: 1,
  tops: 1,
  lower(site) {
    const x = site.bottoms[0]!;
    const rank = x.type.shape.length;
    const { order } = site.param;
    if (order.some((axis, i) => axis >= rank || order.indexOf(axis) !== i)) {
      throw site.error(`order ${order.join(", ")} is not a choice of the ${rank} axes`, "order");
    }
    const rest = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !order.includes(axis));
    return { tops: [transpose(x, [...order, ...rest])] };
  },
});
