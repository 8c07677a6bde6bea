import type { LostReplica, RoundTimes } from "../engine/engine.js";
import type { Run } from "./solver.js";

/** A round of several replicas is done: each did some iterations, and they were brought together. */
export interface RoundEvent {
  readonly kind: "round";
  /** Rounds done in this run. */
  readonly round: number;
  /** Updates done by each replica, with this round. */
  readonly iteration: number;
  /** Iterations of this round. */
  readonly iterations: number;
  /** Mean loss over its iterations and replicas. */
  readonly loss: number;
  /** Rows of data that all replicas took. */
  readonly rows: number;
  readonly imagesPerSecond: number;
  readonly times: RoundTimes;
  readonly lost: readonly LostReplica[];
}

/** The sync interval was found. */
export interface SyncIntervalEvent {
  readonly kind: "sync-interval";
  readonly iteration: number;
  readonly interval: number;
  /** Time of an iteration, and of bringing the replicas together. */
  readonly iterationMs: number;
  readonly overheadMs: number;
}

/** What one replica alone does, measured before training. */
export interface BaselineEvent {
  readonly kind: "baseline";
  readonly iteration: number;
  readonly imagesPerSecond: number;
}

/** The event of a round. */
export function roundEvent(round: number, { losses, rows, roundTimes, iteration, lost }: Run): RoundEvent {
  const times = roundTimes!;
  return {
    kind: "round",
    round,
    iteration,
    iterations: losses.length,
    loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
    rows,
    imagesPerSecond: rows / (times.totalMs / 1000),
    times,
    lost,
  };
}

/** Share of the time that averaging may take. */
const OVERHEAD = 0.05;
const LONGEST = 1000;
/** Iterations of the first rounds: one that compiles, and one that is measured. */
const TRIALS = [1, 5];

/**
 * The sync interval, given or found: the smallest with which sending and averaging take at most 5 % of the time,
 * tau = 19 * S / C for S ms of overhead and C ms an iteration, from a round of 5 iterations after one that compiles.
 */
export class IntervalFinder {
  readonly #trials: number[];
  #interval: number;

  constructor(interval: number | "auto") {
    this.#trials = interval === "auto" ? [...TRIALS] : [];
    this.#interval = interval === "auto" ? 1 : interval;
  }

  /** Iterations of the next round. */
  get next(): number {
    return this.#trials[0] ?? this.#interval;
  }

  /** Learns from a round; the event, once the interval is found. */
  see({ iteration, iterations, times }: RoundEvent): SyncIntervalEvent | undefined {
    if (this.#trials.length === 0) return undefined;
    this.#trials.shift();
    if (this.#trials.length > 0) return undefined;
    const overheadMs = times.sendMs + times.averageMs;
    const iterationMs = times.computeMs / iterations;
    this.#interval = Math.min(
      LONGEST,
      Math.max(1, Math.ceil(((1 - OVERHEAD) / OVERHEAD) * (overheadMs / iterationMs))),
    );
    return { kind: "sync-interval", iteration, interval: this.#interval, iterationMs, overheadMs };
  }
}
