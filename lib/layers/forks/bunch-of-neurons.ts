import { constant } from "../../graph/index.js";
import { pow, sigmoid, sub } from "../../ops/index.js";
import { computeLayer } from "../layer.js";

/**
 * BunchOfNeurons (perturb and map): y = 1 - (1 - sigmoid(x)^bunch_a)^bunch_b. The authors' gradient has y where the derivative, which
 * their comment gives, has sigmoid(x); here it is the derivative.
 * Source: szymonzareba/perturb_and_map_caffe, bunch_of_neurons_layer.cpp and .cu.
 */
export const BunchOfNeurons = computeLayer({
  type: "BunchOfNeurons",
  param: "bunch_param",
  bottoms: 1,
  tops: 1,
  sees: "place",
  lower(site) {
    const { bunch_a: a, bunch_b: b } = site.param;
    if (!(a > 0)) throw site.error(`bunch_a ${a} is not greater than 0`, "bunch_a");
    if (!(b > 0)) throw site.error(`bunch_b ${b} is not greater than 0`, "bunch_b");
    const rest = sub(constant(1), pow(sigmoid(site.bottoms[0]!), constant(a)));
    return { tops: [sub(constant(1), pow(rest, constant(b)))] };
  },
});
