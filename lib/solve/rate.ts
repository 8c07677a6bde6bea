import { has } from "../caffe/message.js";
import type { SolverParameter } from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import { spanOf } from "../text/notes.js";

interface RatePolicy {
  /** Fields of SolverParameter that the policy cannot do without. */
  readonly needs: readonly (keyof SolverParameter & string)[];
  rate(solver: SolverParameter, iteration: number): number;
}

/** Caffe's learning rate policies; `iteration` counts updates done. */
const policies = {
  fixed: { needs: [], rate: ({ base_lr }) => base_lr },
  step: {
    needs: ["gamma", "stepsize"],
    rate: ({ base_lr, gamma, stepsize }, iteration) => base_lr * gamma ** Math.floor(iteration / stepsize),
  },
  exp: { needs: ["gamma"], rate: ({ base_lr, gamma }, iteration) => base_lr * gamma ** iteration },
  inv: {
    needs: ["gamma", "power"],
    rate: ({ base_lr, gamma, power }, iteration) => base_lr * (1 + gamma * iteration) ** -power,
  },
  multistep: {
    needs: ["gamma"],
    rate: (solver, iteration) => solver.base_lr * solver.gamma ** currentStep(solver, iteration),
  },
  poly: {
    needs: ["power", "max_iter"],
    rate: ({ base_lr, power, max_iter }, iteration) => base_lr * (1 - iteration / max_iter) ** power,
  },
  sigmoid: {
    needs: ["gamma", "stepsize"],
    rate: ({ base_lr, gamma, stepsize }, iteration) => base_lr / (1 + Math.exp(-gamma * (iteration - stepsize))),
  },
} as const satisfies Readonly<Record<string, RatePolicy>>;

/** Steps of a stepped policy that are behind `iteration`; what a solverstate stores as current_step. */
export function currentStep(solver: SolverParameter, iteration: number): number {
  if (solver.lr_policy === "step") return Math.floor(iteration / solver.stepsize);
  let passed = 0;
  while (passed < solver.stepvalue.length && iteration >= solver.stepvalue[passed]!) passed++;
  return passed;
}

/** The learning rate of each iteration. Throws NetrunError for an unknown policy, or one whose fields are missing. */
export function ratePolicy(solver: SolverParameter): (iteration: number) => number {
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
  if (has(solver, "stepsize") && solver.stepsize <= 0) {
    throw new NetrunError("stepsize must be greater than 0", { span: spanOf(solver, "stepsize") });
  }
  return (iteration) => policy.rate(solver, iteration);
}
