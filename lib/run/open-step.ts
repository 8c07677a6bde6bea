import { LoopStep, usesLoop, whyNoLoop } from "./loop/step.js";
import type { RunnableNet } from "./open-net.js";
import type { SolverPlan } from "./plan.js";
import { isResident, ResidentStep, whyNotResident } from "./resident/step.js";
import { SeparateStep, type StepOptions } from "./separate-step.js";
import { methodOf } from "../optim/whole-batch.js";
import type { Step } from "./step.js";
import { WholeBatchStep } from "./whole-batch-step.js";

/** The form of a training step that suits the provider of a session. */
export function openStep(train: RunnableNet, solver: SolverPlan, options: StepOptions): Step {
  const method = methodOf(solver.rule);
  if (method) return new WholeBatchStep(train, solver, method, options);
  if (usesLoop(options.session) && whyNoLoop(train, solver) === undefined) return new LoopStep(train, solver, options);
  if (isResident(options.session) && whyNotResident(train, solver) === undefined)
    return new ResidentStep(train, solver, options);
  return new SeparateStep(train, solver, options);
}
