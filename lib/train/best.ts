import { NetrunError, nearest } from "../error.js";
import type { TestEvent } from "./events.js";
import type { Best } from "./side-state.js";
import type { Solver } from "./solver.js";

/** A score of tests to watch, and whether less of it is better. */
export interface Metric {
  readonly name: string;
  readonly direction: "min" | "max";
}

/**
 * Reads `NAME`, `NAME:min` or `NAME:max`, NAME an output of a test net. Without a direction, less is better of what counts in
 * the objective or is called a loss or an error. Throws NetrunError where no test net has such an output.
 */
export function metricOf(text: string, solver: Solver): Metric {
  const [name, direction] = text.split(/:(?=(?:min|max)$)/) as [string, "min" | "max" | undefined];
  const outputs = [...new Set(solver.tests.flatMap((test) => test.outputs))];
  if (!outputs.includes(name)) {
    const near = nearest(name, outputs);
    throw new NetrunError(`no test gives "${name}"`, {
      notes: [
        near
          ? `did you mean ${near}?`
          : outputs.length > 0
            ? `there are ${outputs.join(", ")}`
            : "the solver has no test nets",
      ],
    });
  }
  const isLoss = /loss|err/i.test(name) || solver.tests.some(({ lossWeights }) => lossWeights.has(name));
  return { name, direction: direction ?? (isLoss ? "min" : "max") };
}

/** Takes a test's scores into account; whether they are the best of the metric so far, or undefined where they lack it. */
export function observeScores(
  bests: Map<string, Best>,
  metric: Metric,
  outputs: TestEvent["outputs"],
): boolean | undefined {
  const value = outputs[metric.name]?.[0];
  if (value === undefined) return undefined;
  const best = bests.get(metric.name);
  const isFirst = best === undefined || Number.isNaN(best.value);
  // A score that is not finite is not the best, even where it is the first.
  const better =
    Number.isFinite(value) && (isFirst || (metric.direction === "min" ? value < best.value : value > best.value));
  const { value: before, tests } = best ?? { value: Number.NaN, tests: -1 };
  bests.set(metric.name, better ? { value, tests: 0 } : { value: before, tests: tests + 1 });
  return better;
}
