import type { ReplicaShare, Report, Scores } from "./engine.js";

type Outputs = Readonly<Record<string, Float32Array>>;

/**
 * One report for several replicas that did the same iterations: means of losses, outputs and times, sums of rows. Where one
 * stopped at a number that is not finite, it has the iterations that all did, and says why.
 */
export function meanReport(reports: readonly Report[]): Report {
  const [first, ...others] = reports as [Report, ...Report[]];
  const { outputs, times, rows, debug, layers } = first;
  const notFinite = reports.find((report) => report.notFinite !== undefined)?.notFinite;
  const losses = first.losses.slice(
    0,
    reports.reduce((least, { losses }) => Math.min(least, losses.length), Infinity),
  );
  const skipped = reports.reduce((sum, report) => sum + (report.skipped ?? 0), 0);
  if (others.length === 0) return { losses, outputs, times, rows, skipped, notFinite, debug, layers };
  const count = reports.length;
  const meanOf = (of: (report: Report) => number) => reports.reduce((sum, report) => sum + of(report), 0) / count;
  return {
    losses: losses.map((_, i) => meanOf((report) => report.losses[i]!)),
    outputs: new Map(
      [...outputs.keys()]
        .filter((iteration) => reports.every((report) => report.outputs.has(iteration)))
        .map((iteration) => [
          iteration,
          weightedMean(reports.map((report) => ({ outputs: report.outputs.get(iteration)!, weight: 1 }))),
        ]),
    ),
    times: {
      dataWaitMs: meanOf((report) => report.times.dataWaitMs),
      gradientMs: meanOf((report) => report.times.gradientMs),
      updateMs: meanOf((report) => report.times.updateMs),
    },
    rows: meanOf((report) => report.rows) * count,
    skipped,
    notFinite,
    debug,
    layers,
  };
}

/** Part of a replica in a round, of which the slowest one took `roundMs`. */
export function shareOf(
  replica: number,
  { losses, rows, computeMs }: Report & { readonly computeMs: number },
  roundMs: number,
): ReplicaShare {
  const loss = losses.reduce((sum, each) => sum + each, 0) / losses.length;
  return { replica, rows, loss, computeMs, waitMs: Math.max(0, roundMs - computeMs) };
}

/** The scores of one test whose batches several replicas ran, in order. */
export function meanScores(parts: readonly { readonly scores: Scores; readonly batches: number }[]): Scores {
  if (parts.length === 1) return parts[0]!.scores;
  const weightOf = ({ scores, batches }: { readonly scores: Scores; readonly batches: number }) =>
    scores.weight ?? batches;
  const total = parts.reduce((sum, part) => sum + weightOf(part), 0);
  const lost = parts.flatMap(({ scores }) => scores.lost ?? []);
  return {
    ...(lost.length > 0 && { lost }),
    outputs: weightedMean(parts.map((part) => ({ outputs: part.scores.outputs, weight: weightOf(part) }))),
    gathered: joined(parts.map(({ scores }) => scores.gathered ?? {})),
    loss: parts.reduce((sum, part) => sum + part.scores.loss * weightOf(part), 0) / total,
    weight: total,
    positions: parts.at(-1)!.scores.positions,
  };
}

/** Arrays of one name, one after another. */
function joined(parts: readonly Outputs[]): Outputs {
  return Object.fromEntries(
    Object.keys(parts[0]!).map((name) => [name, concatenated(parts.map((part) => part[name]!))]),
  );
}

/** Arrays one after another. */
export function concatenated(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const values of parts) {
    whole.set(values, at);
    at += values.length;
  }
  return whole;
}

function weightedMean(parts: readonly { readonly outputs: Outputs; readonly weight: number }[]): Outputs {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  return Object.fromEntries(
    Object.entries(parts[0]!.outputs).map(([name, values]) => [
      name,
      values.map((_, i) => parts.reduce((sum, { outputs, weight }) => sum + outputs[name]![i]! * weight, 0) / total),
    ]),
  );
}
