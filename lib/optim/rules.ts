import { constant, type Value } from "../graph/index.js";
import { add, div, mul, sqrt, sub } from "../ops/index.js";

/** Arguments of an update rule for one segment of parameters; all vectors have one length. */
export interface RuleInputs {
  /** Parameters. */
  readonly w: Value;
  /** Their gradient, normalised, clipped and with weight decay in it. */
  readonly g: Value;
  /** History, one vector a slot. */
  readonly h: readonly Value[];
  /** Learning rate of this segment (rate * lr_mult), a scalar; Adam's is corrected for bias already. */
  readonly rate: Value;
  readonly settings: RuleSettings;
}

/** The solver fields that rules use, named as in SolverParameter. */
export interface RuleSettings {
  readonly momentum: number;
  readonly momentum2: number;
  readonly rms_decay: number;
  readonly delta: number;
}

/** An update is graph code, so that a training step is ONNX like everything else. */
export interface UpdateRule {
  /** Caffe's name of the solver. */
  readonly type: string;
  /** Vectors of history for each parameter, in the order of Caffe's solverstate: all first slots, then all second ones. */
  readonly slots: number;
  update(x: RuleInputs): { readonly w: Value; readonly h: readonly Value[] };
  /** Factor of the learning rate in update t = 1, 2, ... */
  correction?(t: number, settings: RuleSettings): number;
}

const square = (x: Value) => mul(x, x);
/** a * x + (1 - a) * y */
const blend = (a: number, x: Value, y: Value) => add(mul(constant(a), x), mul(constant(1 - a), y));

/** h = rate*g + momentum*h; w -= h. */
const SGD: UpdateRule = {
  type: "SGD",
  slots: 1,
  update({ w, g, h, rate, settings }) {
    const step = add(mul(rate, g), mul(constant(settings.momentum), h[0]!));
    return { w: sub(w, step), h: [step] };
  },
};

/** As SGD, then w -= (1 + momentum)*h - momentum*h_before. */
const Nesterov: UpdateRule = {
  type: "Nesterov",
  slots: 1,
  update({ w, g, h, rate, settings: { momentum } }) {
    const step = add(mul(rate, g), mul(constant(momentum), h[0]!));
    const ahead = sub(mul(constant(1 + momentum), step), mul(constant(momentum), h[0]!));
    return { w: sub(w, ahead), h: [step] };
  },
};

/** h += g^2; w -= rate * g / (sqrt(h) + delta). */
const AdaGrad: UpdateRule = {
  type: "AdaGrad",
  slots: 1,
  update({ w, g, h, rate, settings }) {
    const sum = add(h[0]!, square(g));
    return { w: sub(w, mul(rate, div(g, add(sqrt(sum), constant(settings.delta))))), h: [sum] };
  },
};

/** h = rms_decay*h + (1 - rms_decay)*g^2; w -= rate * g / (sqrt(h) + delta). */
const RMSProp: UpdateRule = {
  type: "RMSProp",
  slots: 1,
  update({ w, g, h, rate, settings }) {
    const mean = blend(settings.rms_decay, h[0]!, square(g));
    return { w: sub(w, mul(rate, div(g, add(sqrt(mean), constant(settings.delta))))), h: [mean] };
  },
};

/** h0 = m*h0 + (1-m)*g^2; u = g * sqrt((h1 + delta) / (h0 + delta)); h1 = m*h1 + (1-m)*u^2; w -= rate*u. */
const AdaDelta: UpdateRule = {
  type: "AdaDelta",
  slots: 2,
  update({ w, g, h, rate, settings: { momentum, delta } }) {
    const gradients = blend(momentum, h[0]!, square(g));
    const step = mul(g, sqrt(div(add(h[1]!, constant(delta)), add(gradients, constant(delta)))));
    const steps = blend(momentum, h[1]!, square(step));
    return { w: sub(w, mul(rate, step)), h: [gradients, steps] };
  },
};

/** h0 = b1*h0 + (1-b1)*g; h1 = b2*h1 + (1-b2)*g^2; w -= rate * h0 / (sqrt(h1) + delta), b1 momentum and b2 momentum2. */
const Adam: UpdateRule = {
  type: "Adam",
  slots: 2,
  update({ w, g, h, rate, settings: { momentum, momentum2, delta } }) {
    const mean = blend(momentum, h[0]!, g);
    const variance = blend(momentum2, h[1]!, square(g));
    return { w: sub(w, mul(rate, div(mean, add(sqrt(variance), constant(delta))))), h: [mean, variance] };
  },
  correction: (t, { momentum, momentum2 }) => Math.sqrt(1 - momentum2 ** t) / (1 - momentum ** t),
};

/** Caffe's solvers by the name that SolverParameter.type has. */
export const updateRules = { SGD, Nesterov, AdaGrad, RMSProp, AdaDelta, Adam } as const satisfies Readonly<
  Record<string, UpdateRule>
>;
