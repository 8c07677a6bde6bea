import { sub as message } from "../caffe/message.js";
import { constant, count, type Value } from "../graph/index.js";
import {
  add,
  exp,
  gatherElements,
  logSoftmax,
  max,
  mul,
  neg,
  reshape,
  stopGradient,
  sub,
  sumAll,
} from "../ops/index.js";
import { canonicalAxis, computeLayer } from "./layer.js";
import { normalizationMode, normalized, normalizer, readLabels } from "./loss.js";

/** log of the smallest normal float: Caffe takes the log of max(p, FLT_MIN). */
const LOG_FLT_MIN = Math.log(1.1754943508222875e-38);

/**
 * SoftmaxWithLoss: -sum of log(max(softmax(x)[label], FLT_MIN)) over batch and spatial entries, divided as `loss_param` says.
 * x [outer..., classes, inner...] with `softmax_param.axis`, labels [outer..., inner...] of class numbers; the loss is a scalar,
 * a second top is softmax(x). The gradient is (softmax - one-hot) / normalizer also where the log is clamped; ignored labels give none.
 */
export const SoftmaxWithLoss = computeLayer({
  type: "SoftmaxWithLoss",
  param: "softmax_param",
  bottoms: 2,
  tops: [1, 2],
  loss: true,
  lower(site) {
    const [x, labels] = site.bottoms as [Value, Value];
    const { shape } = x.type;
    const axis = canonicalAxis(site, site.param.axis, shape.length);
    const outer = count(shape, 0, axis);
    const inner = count(shape, axis + 1);
    if (count(labels.type.shape) !== outer * inner) {
      throw site.bottomError(
        1,
        `labels [${labels.type.shape}] are not one for each of the ${outer * inner} predictions of [${shape}]`,
        [`with softmax axis ${axis} the labels are [${[...shape.slice(0, axis), ...shape.slice(axis + 1)]}]`],
      );
    }
    const { classes, kept, valid } = readLabels(labels, message(site.layer, "loss_param"));
    const logProb = logSoftmax(x, axis);
    const index = reshape(classes, [...shape.slice(0, axis), 1, ...shape.slice(axis + 1)]);
    const picked = gatherElements(logProb, index, axis);
    // The value is clamped, the gradient is not: Caffe's backward never looks at the log.
    const clamped = add(picked, stopGradient(sub(max(picked, constant(LOG_FLT_MIN)), picked)));
    const counted = kept ? mul(clamped, reshape(kept, index.type.shape)) : clamped;
    const loss = normalized(neg(sumAll(counted)), normalizer(normalizationMode(site), outer, inner, valid));
    return { tops: site.topCount > 1 ? [loss, exp(logProb)] : [loss] };
  },
});
