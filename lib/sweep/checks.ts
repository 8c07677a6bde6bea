import { filterNet, mergeStates } from "../caffe/filter.js";
import { create } from "../caffe/message.js";
import { Phase } from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import type { SolverWithNet } from "./settings.js";

/** Throws NetrunError for a metric that no layer of the test net gives, before anything trains. */
export function checkMetric(metric: string, { net, solver }: SolverWithNet): void {
  const name = metric.replace(/:(min|max)$/, "");
  if (solver.test_iter.length === 0)
    throw new NetrunError("the solver has no tests, and runs are compared by them", {
      notes: ["add test_iter: 0 and test_interval: 100 to it"],
    });
  const state = mergeStates(create("NetState", { phase: Phase.TEST }), net.state, solver.test_state[0] ?? null);
  const tops = filterNet(net, state).layer.flatMap(({ top }) => top);
  if (tops.includes(name)) return;
  const near = nearest(name, tops);
  throw new NetrunError(`no test gives "${name}"`, { notes: near === undefined ? [] : [`did you mean ${near}?`] });
}

/** Throws NetrunError where hopeless runs are to end at tests that the solver does not make. */
export function checkTests(medianStop: number | undefined, { solver }: SolverWithNet): void {
  const { test_interval: interval, max_iter: end } = solver;
  if (medianStop === undefined || (interval > 0 && Math.ceil(medianStop / interval) * interval < end)) return;
  throw new NetrunError(
    `no test comes between iteration ${medianStop} and the end at ${end}, so no run can end early`,
    {
      notes: [`the solver's test_interval is ${interval}`],
    },
  );
}
