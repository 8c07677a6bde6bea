import { NetrunError } from "../error.js";
import type { SessionOptions } from "../onnx/session.js";
import { isInRange, shown } from "../options/number.js";
import { PARALLEL } from "../options/parallel.js";
import { defaultAlpha } from "./averaging/average.js";
import type { Engine, ForwardEngine } from "./engine.js";
import { ForwardPool, LocalForward } from "./forward.js";
import { checkWorkers, type HostOptions, sharedSession } from "./hosts/make-host.js";
import { LocalEngine } from "./local.js";
import { PoolEngine, type PoolOptions } from "./pool.js";
import type { SparkChoice } from "./spark/choice.js";
import { SparkEngine } from "./spark/engine.js";

/** Number of replicas, and where: what decides which engine it is. */
export interface EngineOptions extends Omit<PoolOptions, "workers"> {
  /** Replicas, each in a thread or process; without it, one in this thread. */
  readonly workers?: number | undefined;
  /** A cluster that the replicas live on: `spark({ master })`; without it this machine. */
  readonly engine?: SparkChoice | undefined;
}

/** The engine that options ask for; the local one leaves gradients in `gradients`. Throws NetrunError for values that make no sense. */
export function openEngine(options: EngineOptions, gradients: Float32Array): Engine {
  const { workers, alpha, engine } = options;
  if (workers === undefined) {
    if (engine) throw new NetrunError("a cluster for no workers", { notes: ["workers says how many replicas it has"] });
    return new LocalEngine(gradients);
  }
  checkWorkers(workers);
  checkChoices(options);
  if (alpha !== undefined && !isInRange(alpha, PARALLEL.alpha.range)) {
    throw new NetrunError(`an alpha of ${shown(alpha)}`, {
      notes: [`it is above 0 and at most 1; ${defaultAlpha(workers).toPrecision(3)} without it`],
    });
  }
  if (alpha !== undefined && options.averaging !== "elastic")
    throw new NetrunError("alpha has no effect: it is for elastic averaging", { notes: ['averaging is "mean" here'] });
  if (engine) return new SparkEngine({ ...options, engine, workers });
  return new PoolEngine({ ...options, workers });
}

/** Allowed values of options that have few: JavaScript callers have no compiler that says so. */
const CHOICES = {
  averaging: ["mean", "elastic"],
  isolation: ["thread", "process"],
  batchScaling: ["weak", "strong"],
  onWorkerLoss: ["redo", "drop"],
} as const;

function checkChoices(options: EngineOptions): void {
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value = options[name as keyof typeof CHOICES];
    if (value === undefined || (choices as readonly string[]).includes(value)) continue;
    throw new NetrunError(`${name}: ${shown(value)}`, { notes: [`it is ${choices.join(" or ")}`] });
  }
}

/** The engine for forward passes that options ask for. Throws NetrunError for a number of workers that is none. */
export function openForwardEngine(workers: number | undefined, options: HostOptions): ForwardEngine {
  if (workers === undefined) return new LocalForward();
  checkWorkers(workers);
  return new ForwardPool(workers, options);
}

/** The session options of each replica of an engine. */
export function replicaSession({ workers, engine }: EngineOptions, session: SessionOptions): SessionOptions {
  // A cluster says how many cores a replica has.
  return workers === undefined || engine ? session : sharedSession(session, workers);
}
