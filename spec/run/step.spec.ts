import { LoopStep } from "../../lib/run/loop/step.js";
import { SeparateStep } from "../../lib/run/separate-step.js";
import { stepContract } from "../contracts/step.js";

stepContract(
  "separate",
  (train, solver, gradients) =>
    new SeparateStep(train, solver, { session: { threads: 1 }, seed: solver.seed, gradients }),
);
stepContract(
  "loop",
  (train, solver, gradients) => new LoopStep(train, solver, { session: { threads: 1 }, seed: solver.seed, gradients }),
);
