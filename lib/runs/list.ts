import { statSync } from "node:fs";
import { join } from "node:path";
import { type Fate, fateOf } from "../owner.js";
import type { Digest } from "./digest.js";
import { readDigest } from "./read-log.js";
import { snapshotsIn } from "./resume.js";
import { RUNS_FOLDER, type RunInfo, readRunInfo, runFiles, runNames } from "./run-folder.js";
import { readFileSync } from "node:fs";

/** Status of a run: `interrupted` is one whose process ended without saying so. */
export type RunStatus = "running" | "done" | "stopped" | "interrupted";

/** A run, in short. */
export interface RunSummary {
  readonly name: string;
  readonly folder: string;
  readonly status: RunStatus;
  /** When it was first started, as ISO 8601. */
  readonly started: string;
  readonly iteration: number;
  readonly maxIter: number | undefined;
  readonly seconds: number;
  readonly smoothedLoss: number | undefined;
  /** The last scores of tests. */
  readonly scores: Readonly<Record<string, number>>;
  readonly best:
    | { readonly metric: string; readonly value: number; readonly iteration: number; readonly path: string }
    | undefined;
  /** The newest solverstate. */
  readonly snapshot: string | undefined;
}

/** The runs in a folder (`runs`), by name. Throws NetrunError where a file of one is damaged. */
export function listRuns(runs = RUNS_FOLDER): readonly RunSummary[] {
  return runNames(runs).map((name) => summaryOf(join(runs, name)));
}

/** A run's folder, read: what it is and how it went. */
export interface StoredRun {
  readonly info: RunInfo;
  readonly digest: Digest;
  readonly status: RunStatus;
}

/** Reads the folder of a run, which may be running. Throws NetrunError. */
export function readRun(folder: string): StoredRun {
  const files = runFiles(folder);
  const { digest } = readDigest(files.events, files.digest);
  return { info: readRunInfo(folder), digest, status: statusOf(folder, digest) };
}

/** Status of a run by its digest and its lock. */
export function statusOf(folder: string, { done }: Digest): RunStatus {
  if (done) return done.stopped === undefined ? "done" : "stopped";
  return ownerFate(join(folder, "run.netrunlock")) === "dead" ? "interrupted" : "running";
}

function ownerFate(lock: string): Fate {
  try {
    return fateOf(readFileSync(lock, "utf8"));
  } catch {
    return "dead";
  }
}

function summaryOf(folder: string): RunSummary {
  const { info, digest, status } = readRun(folder);
  const { best } = digest;
  const smoothed = digest.series["train/smoothed loss"];
  return {
    name: info.name,
    folder,
    status,
    started: info.starts[0]?.at ?? statSync(folder).birthtime.toISOString(),
    iteration: digest.iteration,
    maxIter: digest.start?.solver.maxIter,
    seconds: digest.seconds,
    smoothedLoss: smoothed?.mean.at(-1),
    scores: digest.scores,
    best: best && { metric: best.metric, value: best.value, iteration: best.iteration, path: best.path },
    snapshot: snapshotsIn(runFiles(folder).snapshots)[0],
  };
}
