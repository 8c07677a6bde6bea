import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { NetrunError } from "../error.js";
import { unpackError } from "../wire-error.js";
import { meanOf } from "./folds.js";
import type { Job } from "./schedule.js";
import type { FoldResult, PartResult } from "./state.js";
import { type AskHopeless, type Surroundings, type TrialOutcome, type TrialPart, trainPart } from "./trial.js";
import type { FromTrial } from "./trial-child.js";

/** A part that was trained: its result, and what it gave beside. Undefined where it ended with the time of the sweep. */
export type Trained = readonly [job: Job, result: PartResult | undefined, outcome: TrialOutcome | undefined];

/** Trains a part in a process of its own, or on a cluster. What ends it is its result: a sweep goes on. */
export async function trained(
  job: Job,
  part: TrialPart,
  around: Surroundings,
): Promise<readonly [Job, PartResult, TrialOutcome | undefined]> {
  const started = performance.now();
  try {
    const outcome = await (part.engine ? trainPart : inProcess)(part, around);
    const { iteration, score, loss, seconds, state, weights, stopped } = outcome;
    const tests = outcome.tests.map(([at, value]): [number, number] => [at, value]);
    const known = Number.isFinite(score) ? { score } : { error: "the score is not a finite number" };
    const ended = { ...(tests.length > 0 && { tests }), ...(stopped && { stopped }) };
    const result = {
      iteration,
      ...known,
      loss: Number.isFinite(loss) ? loss : null,
      seconds,
      state,
      weights,
      ...ended,
    };
    return [job, result, outcome];
  } catch (error) {
    const seconds = (performance.now() - started) / 1000;
    return [job, { iteration: job.until, seconds, error: (error as Error).message }, undefined];
  }
}

function inProcess(part: TrialPart, { signal, warn, isHopeless }: Surroundings): Promise<TrialOutcome> {
  const child = fork(fileURLToPath(new URL("trial-child.js", import.meta.url)), [], {
    execArgv: [],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const end = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", end);
  return new Promise<TrialOutcome>((done, failed) => {
    child.on("message", (message) => {
      const answer = message as FromTrial;
      if ("warning" in answer) warn(unpackError(answer.warning) as NetrunError);
      else if ("test" in answer)
        Promise.resolve(isHopeless(answer.test)).then((is) => child.connected && child.send(is), failed);
      else if ("outcome" in answer) done(answer.outcome);
      else failed(unpackError(answer.error));
    });
    child.on("error", failed);
    child.on("exit", (code, by) =>
      failed(new NetrunError(`the training's process ${by ? `was ended by ${by}` : `exited with ${code}`}`)),
    );
    child.send(part);
  }).finally(() => signal?.removeEventListener("abort", end));
}

/** A part of a run on each fold. */
export interface FoldsPart {
  readonly parts: readonly TrialPart[];
  /** Folds that an earlier part of the sweep has done. */
  readonly done: readonly FoldResult[];
  /** Keeps the folds that are done. */
  readonly keep: (folds: readonly FoldResult[]) => Promise<void>;
  /** Answers of each fold's tests. */
  readonly isHopeless: (fold: number) => AskHopeless;
}

/** Trains a part on one fold after the other; its score is their mean. A fold that fails or is hopeless ends the run. */
export async function trainedFolds(
  job: Job,
  folded: FoldsPart,
  around: Pick<Surroundings, "signal" | "warn">,
): Promise<Trained> {
  const { parts, done, keep, isHopeless } = folded;
  const folds = [...done];
  let last: TrialOutcome | undefined;
  const isOver = (fold: FoldResult | undefined) => fold !== undefined && (fold.score === undefined || fold.stopped);
  for (const part of parts.slice(folds.length)) {
    if (isOver(folds.at(-1))) break;
    const [, { iteration, ...fold }, outcome] = await trained(job, part, {
      ...around,
      isHopeless: isHopeless(folds.length),
    });
    last = outcome ?? last;
    if (iteration < job.until && fold.score !== undefined && !fold.stopped) return [job, undefined, last];
    folds.push(fold);
    await keep(folds);
  }
  const stopped = folds.at(-1)?.stopped;
  if (stopped) {
    const seconds = folds.reduce((sum, fold) => sum + fold.seconds, 0);
    const error = `fold ${folds.length} is worse than the median of the other runs'`;
    return [job, { iteration: folds.at(-1)!.tests!.at(-1)![0], seconds, error, stopped, folds }, last];
  }
  const failed = folds.findIndex(({ score }) => score === undefined);
  const seconds = folds.reduce((sum, fold) => sum + fold.seconds, 0);
  const iteration = job.until;
  if (failed >= 0)
    return [job, { iteration, seconds, error: `fold ${failed + 1}: ${folds[failed]!.error}`, folds }, last];
  const { mean, deviation } = meanOf(folds.map(({ score }) => score!));
  return [job, { iteration, score: mean, deviation, seconds, folds }, last];
}
