import { NetrunError } from "../error.js";
import { metricOf, observeScores } from "./best.js";
import type { BestEvent, SnapshotFailedEvent, TestEvent, TrainEvent } from "./events.js";
import type { Requests } from "./requests.js";
import { snapshotFailed } from "./snapshots.js";
import type { Solver } from "./solver.js";

/** Effects of tests on a training. */
export interface WatchOptions {
  /** Training stops when this score of tests (see `metricOf`) has not become better for `patience` tests. */
  readonly earlyStop?: string | undefined;
  /** Tests without a better score before `earlyStop` stops. Default 5. */
  readonly patience?: number | undefined;
  /** The weights with the best score so far are kept in PREFIX_best.caffemodel. */
  readonly keepBest?: string | undefined;
}

/** The tests of a run, and the best of their scores. */
export interface Tests {
  /** A pass of every test net, as events; left early where a stop is requested, as if it had not begun. */
  run(): AsyncGenerator<TrainEvent>;
  /** Tests whether the score has not become better for long enough. */
  isOver(): boolean;
}

/** The tests of a run. Throws NetrunError where a score to watch is given by no test net. */
export function testsOf(solver: Solver, requests: Requests, options: WatchOptions): Tests {
  const { earlyStop, keepBest, patience = 5 } = options;
  if (options.patience !== undefined && earlyStop === undefined)
    throw new NetrunError("patience has no effect: it is for an early stop", {
      notes: ["name a score: --early-stop NAME"],
    });
  const stop = earlyStop === undefined ? undefined : metricOf(earlyStop, solver);
  const keep = keepBest === undefined ? undefined : metricOf(keepBest, solver);

  async function see({ iteration, outputs }: TestEvent): Promise<BestEvent | SnapshotFailedEvent | undefined> {
    const isBest = keep && observeScores(solver.bests, keep, outputs);
    if (stop && stop.name !== keep?.name) observeScores(solver.bests, stop, outputs);
    if (!isBest) return undefined;
    const path = `${solver.snapshotPrefix}_best.caffemodel`;
    try {
      await solver.net.save(path);
      return { kind: "best", iteration, metric: keep.name, value: outputs[keep.name]![0]!, path };
    } catch (error) {
      return snapshotFailed(iteration, error);
    }
  }

  return {
    async *run() {
      for (const net of solver.tests.keys()) {
        const event = yield* testOne(solver, net, requests);
        if (!event) return;
        yield event;
        const best = await see(event);
        if (best) yield best;
      }
    },
    isOver: () => stop !== undefined && (solver.bests.get(stop.name)?.tests ?? 0) >= patience,
  };
}

/** A pass of one test net; its event, undefined where a stop was requested meanwhile. */
async function* testOne(
  solver: Solver,
  net: number,
  requests: Requests,
): AsyncGenerator<TrainEvent, TestEvent | undefined> {
  const { iteration } = solver;
  const pass = solver.testPass(net);
  for (;;) {
    const { done, value } = await pass.next();
    if (done) {
      const outputs = Object.fromEntries(Object.entries(value.outputs).map(([name, values]) => [name, [...values]]));
      const { loss, classes, lost = [] } = value;
      yield* lost.map((each) => ({ kind: "replica-lost" as const, iteration, net, ...each }));
      return { kind: "test", iteration, net, outputs, loss, ...(classes && { classes }) };
    }
    yield { kind: "test-progress", iteration, net, ...value };
    requests.poll();
    if (requests.stop && value.done < value.total) {
      await pass.return(undefined as never);
      return undefined;
    }
  }
}
