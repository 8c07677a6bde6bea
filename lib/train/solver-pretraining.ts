import { has } from "../caffe/message.js";
import type { TrainEvent } from "./events.js";
import { pretrain } from "./pretrain.js";
import type { Action } from "./requests.js";
import type { Solver } from "./solver.js";

/**
 * The layer-wise pretraining that a solver's `pretrain` asks for, as events of its training; its weights are the solver's then. Undefined
 * where there is none, or weights or a snapshot are given in its place.
 */
export function pretrainingOf(solver: Solver): ((action: () => Action) => AsyncIterable<TrainEvent>) | undefined {
  const { parameter, isPretrained, iteration } = solver;
  return has(parameter, "pretrain") && !isPretrained && iteration === 0
    ? (action) => pretraining(solver, action)
    : undefined;
}

async function* pretraining(solver: Solver, action: () => Action): AsyncGenerator<TrainEvent> {
  const { net, seed } = solver;
  for await (const event of pretrain({ ...(await solver.pretrainingInputs()), seed, action })) {
    if (event.kind === "pretrain-iteration") {
      const { kind: _, iteration: step, ...scores } = event;
      yield { kind: "pretraining", iteration: 0, step, ...scores };
    }
    if (event.kind !== "pretrain-done") continue;
    for (const [name, blobs] of event.weights)
      for (const [i, { data }] of blobs.entries()) net.params.get(name)![i]!.data.set(data);
  }
}
