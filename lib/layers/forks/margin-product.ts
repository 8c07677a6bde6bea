import { amend, sub as message } from "../../caffe/message.js";
import type { LayerParameter, MarginInnerProductParameter } from "../../caffe/messages.js";
import { constant, count } from "../../graph/index.js";
import { add, max, mul, pow } from "../../ops/index.js";
import { type BlobSpec, canonicalAxis, type Place, type Site } from "../layer.js";

/** Products with a margin at the labels, by the fields that hold their parameters. */
type Product = "margin_inner_product_param" | "largemargin_inner_product_param";

/** Parameters that both have. */
type Shared = Pick<MarginInnerProductParameter, "num_output" | "axis" | "weight_filler">;

/**
 * Facts of a product y = x W^T with a margin at the labels: x [..., k...] from `axis` on, labels [n], without which there is no
 * margin, W [num_output, k]; a second top is lambda. In inference it is the product alone.
 */
export const marginProduct = <P extends Product>(param: P) =>
  ({
    param,
    bottoms: [1, 2],
    tops: [1, 2],
    family: "weights",
    noGradientTo: [1],
    labels: (layer: LayerParameter) => ({ bottom: 1, classes: message(layer, param).num_output }),
    inference: {
      as: "layer",
      of: (layer: LayerParameter) => amend(layer, { bottom: layer.bottom.slice(0, 1), top: layer.top.slice(0, 1) }),
    },
    blobs(place: Place<Shared>): readonly BlobSpec[] {
      const { num_output } = place.param;
      const { shape } = place.bottoms[0]!.type;
      if (num_output <= 0) throw place.error("num_output must be greater than 0", "num_output");
      const k = count(shape, canonicalAxis(place, place.param.axis, shape.length));
      return [{ shape: [num_output, k], filler: message(place.param, "weight_filler") }];
    },
  }) as const;

/** The parameters of an annealed lambda. */
type Annealing = Pick<MarginInnerProductParameter, "base" | "gamma" | "power" | "iteration" | "lambda_min">;

/** lambda = max(base (1 + gamma t)^-power, lambda_min) of this forward, t counting from `iteration`, and the counter for the next one. */
export function annealed(site: Site<Annealing>) {
  const { base, gamma, power, iteration, lambda_min } = site.param;
  const before = site.carry([]);
  const t = add(before, constant(1));
  const decay = pow(add(mul(add(t, constant(iteration)), constant(gamma)), constant(1)), constant(-power));
  return { lambda: max(mul(decay, constant(base)), constant(lambda_min)), state: new Map([[before, t]]) };
}
