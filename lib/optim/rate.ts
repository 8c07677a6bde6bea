import { has } from "../caffe/message.js";
import type { SolverParameter } from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import { spanOf } from "../text/notes.js";

interface RatePolicy {
  /** Fields of SolverParameter that the policy cannot do without. */
  readonly needs: readonly (keyof SolverParameter & string)[];
  /** The rate after `iteration` updates, `step` steps of a stepped policy behind it. */
  rate(solver: SolverParameter, iteration: number, step: number): number;
}

const stepped = ({ base_lr, gamma }: SolverParameter, _: number, step: number) => base_lr * gamma ** step;

/** Caffe's learning rate policies, and `plateau`. Source: SGDSolver::GetLearningRate. */
const policies = {
  fixed: { needs: [], rate: ({ base_lr }) => base_lr },
  step: { needs: ["gamma", "stepsize"], rate: stepped },
  exp: { needs: ["gamma"], rate: ({ base_lr, gamma }, iteration) => base_lr * gamma ** iteration },
  inv: {
    needs: ["gamma", "power"],
    rate: ({ base_lr, gamma, power }, iteration) => base_lr * (1 + gamma * iteration) ** -power,
  },
  multistep: { needs: ["gamma"], rate: stepped },
  poly: {
    needs: ["power", "max_iter"],
    rate: ({ base_lr, power, max_iter }, iteration) => base_lr * (1 - iteration / max_iter) ** power,
  },
  sigmoid: {
    needs: ["gamma", "stepsize"],
    rate: ({ base_lr, gamma, stepsize }, iteration) => base_lr / (1 + Math.exp(-gamma * (iteration - stepsize))),
  },
  /** Times gamma whenever the smoothed loss has found no new minimum for stepsize iterations. */
  plateau: { needs: ["gamma", "stepsize"], rate: stepped },
} as const satisfies Readonly<Record<string, RatePolicy>>;

/** State of a schedule beside the iteration; part of a snapshot. */
export interface RateState {
  /** Steps of a stepped policy that are behind; Caffe's current_step. */
  readonly step: number;
  /** The iteration that `step` was last looked at; stepped policies go on from there. */
  readonly at: number;
  /** Least smoothed loss so far, and the iteration of it or of the last step; `plateau` alone. Null for none yet. */
  readonly minimum: number | null;
  readonly since: number;
  /** Factor of all rates, where that was asked for while training ran. */
  readonly factor?: number | undefined;
}

const START: RateState = { step: 0, at: -1, minimum: null, since: 0 };

/** The learning rate of each iteration of a training run. */
export class LearningRate {
  readonly #solver: SolverParameter;
  readonly #policy: RatePolicy;
  readonly #warmUp: number;
  #state = START;

  /**
   * `warmUp` iterations at the start have the policy's rate times (iteration + 1) / warmUp.
   * Throws NetrunError for an unknown policy, or one whose fields are missing or out of range.
   */
  constructor(solver: SolverParameter, warmUp = 0) {
    this.#solver = solver;
    this.#policy = policyOf(solver);
    this.#warmUp = warmUp;
    if (!(Number.isInteger(warmUp) && warmUp >= 0)) throw new NetrunError(`a warm-up of ${warmUp} iterations`);
  }

  /** True if rates depend on losses, so that they are known one iteration ahead only. */
  get adapts(): boolean {
    return this.#solver.lr_policy === "plateau";
  }

  /** The rate that update number `iteration` (from 0) has. */
  rate(iteration: number): number {
    const { step, factor = 1 } = this.stateAt(iteration);
    const rate = factor * this.#policy.rate(this.#solver, iteration, step);
    return iteration < this.#warmUp ? (rate * (iteration + 1)) / this.#warmUp : rate;
  }

  /** The state that update number `iteration` sees. */
  stateAt(iteration: number): RateState {
    const { lr_policy, stepsize, stepvalue } = this.#solver;
    const { factor } = this.#state;
    if (lr_policy === "step")
      return {
        ...START,
        ...(factor !== undefined && { factor }),
        step: Math.floor(iteration / stepsize),
        at: iteration,
      };
    if (lr_policy !== "multistep") return this.#state;
    let { step, at } = this.#state;
    // Caffe looks at one value an iteration: values that are equal or out of order take effect one iteration apart.
    while (step < stepvalue.length && Math.max(stepvalue[step]!, at + 1) <= iteration) {
      at = Math.max(stepvalue[step]!, at + 1);
      step++;
    }
    return { ...this.#state, step, at: Math.max(at, iteration) };
  }

  /** Multiplies all further rates. */
  scale(factor: number): void {
    this.#state = { ...this.#state, factor: (this.#state.factor ?? 1) * factor };
  }

  /** Takes note of an iteration's smoothed loss. */
  observe(iteration: number, smoothedLoss: number): void {
    if (!this.adapts) return;
    const { minimum, since, step } = this.#state;
    if (minimum === null || smoothedLoss < minimum) {
      this.#state = { ...this.#state, minimum: smoothedLoss, since: iteration };
    } else if (iteration - since >= this.#solver.stepsize) {
      this.#state = { ...this.#state, step: step + 1, since: iteration };
    }
  }

  /** Goes on from a snapshot after `iteration` updates: from its whole state, or from what Caffe's files have of it. */
  restore(iteration: number, state: RateState | { readonly step: number }): void {
    this.#state = { ...START, at: iteration - 1, since: iteration, ...state };
  }
}

/** Checks that a solver's learning rate policy is one, and complete. Throws NetrunError. */
export function policyOf(solver: SolverParameter): RatePolicy {
  const known: Readonly<Record<string, RatePolicy>> = policies;
  const policy = Object.hasOwn(known, solver.lr_policy) ? known[solver.lr_policy]! : undefined;
  if (!policy) {
    const near = nearest(solver.lr_policy, Object.keys(policies));
    throw new NetrunError(
      solver.lr_policy === "" ? "lr_policy is missing" : `unknown lr_policy "${solver.lr_policy}"`,
      {
        span: spanOf(solver, "lr_policy") ?? spanOf(solver),
        notes: [near ? `did you mean "${near}"?` : `policies: ${Object.keys(policies).join(", ")}`],
      },
    );
  }
  for (const field of policy.needs) {
    if (has(solver, field)) continue;
    throw new NetrunError(`lr_policy "${solver.lr_policy}" needs ${field}`, { span: spanOf(solver, "lr_policy") });
  }
  if (policy.needs.includes("stepsize") && solver.stepsize <= 0) {
    throw new NetrunError("stepsize must be greater than 0", { span: spanOf(solver, "stepsize") });
  }
  if (policy.needs.includes("gamma") && solver.gamma < 0) {
    throw new NetrunError("gamma must not be negative", { span: spanOf(solver, "gamma") });
  }
  return policy;
}
