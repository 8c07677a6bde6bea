import { sub as message } from "../caffe/message.js";
import { type RBMParameter, RBMParameter_Units as Units } from "../caffe/messages.js";
import { constant, count, type Value } from "../graph/index.js";
import {
  abs,
  add,
  cast,
  cos,
  div,
  equal,
  gemm,
  less,
  log,
  mul,
  reshape,
  sigmoid,
  slice,
  softplus,
  sqrt,
  stopGradient,
  sub,
  sumAll,
  where,
} from "../ops/index.js";
import { computeLayer, type Site } from "./layer.js";

/** Parameters of a machine as values. */
interface Machine {
  /** [hidden, visible] */
  readonly w: Value;
  /** Biases of the hidden units [hidden] and of the visible ones [visible]. */
  readonly c: Value;
  readonly b: Value;
}

/**
 * RBM: a restricted Boltzmann machine of netrun's own, with contrastive divergence as its gradient. Tops: the mean over the rows of
 * F(v) - F(v'), a loss whose gradient is the positive minus the negative phase; the mean squared error of the reconstruction, per unit; the mean of
 * F(v); the reconstruction [n, visible]. F is the free energy:
 * - b v - sum softplus(c + W v) for binary units; with Gaussian visible units |v - b|^2 / 2 stands for - b v, with Gaussian hidden
 *   units x^2 / 2 for softplus(x). Their deviation is 1: data is to be standardised.
 * v' comes from `cd_steps` steps of Gibbs sampling, from the data or, with `persistent`, from chains that go on from batch to batch.
 * The visible units of the last step are means, those of chains samples. Bottom v [n, ...], without a gradient; blobs W [num_output, visible],
 * c [num_output], b [visible]. Sources: Hinton 2002 and 2010, Tieleman 2008.
 */
export const RBM = computeLayer({
  type: "RBM",
  param: "rbm_param",
  bottoms: 1,
  tops: [1, 4],
  noGradientTo: [0],
  loss: true,
  inference: { as: "prediction" },
  family: "weights",
  blobs(place) {
    const { param, bottoms } = place;
    const { shape } = bottoms[0]!.type;
    if (param.num_output <= 0) throw place.error("num_output must be greater than 0", "num_output");
    if (shape.length < 2) throw place.bottomError(0, `the bottom [${shape}] is not [rows, ...units]`);
    const visible = count(shape, 1);
    return [
      { shape: [param.num_output, visible], filler: message(param, "weight_filler") },
      { shape: [param.num_output], filler: message(param, "bias_filler") },
      { shape: [visible], filler: message(param, "visible_bias_filler") },
    ];
  },
  lower(site) {
    const { param } = site;
    if (param.cd_steps < 1) throw site.error("cd_steps must be at least 1", "cd_steps");
    const [w, c, b] = site.blobs as [Value, Value, Value];
    const machine = { w, c, b };
    const { shape } = site.bottoms[0]!.type;
    const [n, visible] = [shape[0]!, count(shape, 1)];
    const data = stopGradient(reshape(site.bottoms[0]!, [n, visible]));
    const fixed = { w: stopGradient(w), c: stopGradient(c), b: stopGradient(b) };
    const chain = param.persistent ? site.carry([n, visible]) : undefined;
    const start = chain ? where(equal(sumAll(abs(chain)), constant(0)), data, chain) : data;
    const negative = stopGradient(gibbs(site, fixed, start));
    const energy = freeEnergy(param, machine, data);
    const loss = div(sub(energy, freeEnergy(param, machine, negative)), constant(n));
    const reconstruction = stopGradient(visibleMeans(param, fixed, hiddenMeans(param, fixed, data)));
    const error = sub(data, reconstruction);
    const tops = [
      loss,
      mul(sumAll(mul(error, error)), constant(1 / (n * visible))),
      stopGradient(div(energy, constant(n))),
      reconstruction,
    ];
    return { tops: tops.slice(0, site.topCount), ...(chain && { state: new Map([[chain, negative]]) }) };
  },
});

const half = (x: Value): Value => mul(constant(0.5), mul(x, x));

/** Sum over the rows of the free energy of v [n, visible]. */
function freeEnergy({ visible, hidden }: RBMParameter, { w, c, b }: Machine, v: Value): Value {
  const x = gemm(v, w, { transB: true }, c);
  const units = sumAll(hidden === Units.GAUSSIAN ? half(x) : softplus(x));
  const biases = sumAll(visible === Units.GAUSSIAN ? half(sub(v, b)) : mul(v, mul(constant(-1), b)));
  return sub(biases, units);
}

function hiddenMeans({ hidden }: RBMParameter, { w, c }: Machine, v: Value): Value {
  const x = gemm(v, w, { transB: true }, c);
  return hidden === Units.GAUSSIAN ? x : sigmoid(x);
}

function visibleMeans({ visible }: RBMParameter, { w, b }: Machine, h: Value): Value {
  const x = gemm(h, w, {}, b);
  return visible === Units.GAUSSIAN ? x : sigmoid(x);
}

/** A sample of units by their means: 1 with that probability, or normal around it. */
function sampled(site: Site<RBMParameter>, units: Units, means: Value): Value {
  const { shape } = means.type;
  if (units === Units.BINARY) return cast(less(site.random(shape), means), "float32");
  // Box and Muller's form. Numbers are in [0, 1), and log needs them above 0.
  const uniform = site.random([2, ...shape]);
  const [u, angle] = [0, 1].map((i) => reshape(slice(uniform, 0, i, i + 1), shape)) as [Value, Value];
  const radius = sqrt(mul(constant(-2), log(sub(constant(1), u))));
  return add(means, mul(radius, cos(mul(constant(2 * Math.PI), angle))));
}

/** The visible units after `cd_steps` steps from v. */
function gibbs(site: Site<RBMParameter>, machine: Machine, v: Value): Value {
  const { param } = site;
  let visible = v;
  for (let step = 1; step <= param.cd_steps; step++) {
    const hidden = sampled(site, param.hidden, hiddenMeans(param, machine, visible));
    const means = visibleMeans(param, machine, hidden);
    const isLast = step === param.cd_steps && !param.persistent;
    visible = isLast ? means : sampled(site, param.visible, means);
  }
  return visible;
}
