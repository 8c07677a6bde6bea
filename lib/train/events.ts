import * as v from "valibot";
import { NetrunError } from "../error.js";

/**
 * The vocabulary of a training: everything that it tells the world, as plain data that survives JSON (a number that is not finite
 * becomes null there, and NaN when it is read back). docs/events.md describes it. Subscribers (the terminal log, `--log-json`,
 * `--log-csv`, `netrun plot`) know events by these schemas alone.
 */

/** Version of the vocabulary, in the start event. Within a version kinds and optional fields are added, nothing is taken away. */
export const EVENT_VERSION = 1;

const number = v.pipe(
  v.nullable(v.number()),
  v.transform((value) => value ?? Number.NaN),
);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const fields = <E extends v.ObjectEntries>(entries: E) => v.pipe(v.object(entries), v.readonly());
const list = <S extends v.GenericSchema>(schema: S) => v.pipe(v.array(schema), v.readonly());
const byName = <S extends v.GenericSchema>(schema: S) => v.pipe(v.record(v.string(), schema), v.readonly());
const event = <K extends string, E extends v.ObjectEntries>(kind: K, entries: E) =>
  fields({ kind: v.literal(kind), /** Updates done so far. */ iteration: count, ...entries });

/** Values of output blobs by name, element by element. */
const outputs = byName(list(number));

const lost = fields({
  /** Index of the replica, which is that of its partition of the data. */
  replica: count,
  reason: v.string(),
  /** True if its part of the round was done again, or excluded from the mean. */
  remedy: v.picklist(["redone", "dropped"]),
});

const statistic = fields({
  layer: v.string(),
  /** Name of the top blob, or index of the parameter, that the value is of. */
  blob: v.optional(v.string()),
  param: v.optional(count),
  /** Mean absolute value. */
  meanAbs: number,
});
/** Spread of values; `counts` are those of equally wide bins from min to max. */
const spread = { meanAbs: number, mean: number, std: number, min: number, max: number, counts: list(count) };
const distribution = fields(spread);
const norms = fields({ l1: number, l2: number });

/** The schema of every kind of event. */
export const eventSchemas = {
  start: event("start", {
    v: v.literal(EVENT_VERSION),
    /** The train net. */
    net: fields({
      name: v.string(),
      layers: count,
      /** Values in all parameters. */
      parameters: count,
      outputs: list(v.string()),
      /** Weight in the objective of each blob that counts in it. */
      lossWeights: byName(number),
    }),
    tests: list(fields({ batches: count, outputs: list(v.string()), lossWeights: byName(number) })),
    solver: fields({
      type: v.string(),
      lrPolicy: v.string(),
      baseLr: number,
      maxIter: count,
      iterSize: count,
      display: count,
      testInterval: count,
      testComputeLoss: v.boolean(),
      snapshot: count,
      snapshotPrefix: v.string(),
      seed: count,
      /** Path of the net, as the solver names it; empty where the net is in the solver. */
      net: v.string(),
    }),
    replicas: fields({
      count,
      /** Place of replicas; `local` is one, in the thread of the caller, and has none of the fields below. */
      isolation: v.picklist(["local", "thread", "process", "spark"]),
      syncInterval: v.optional(v.union([count, v.literal("auto")])),
      averaging: v.optional(v.picklist(["mean", "elastic"])),
      alpha: v.optional(number),
      averageHistory: v.optional(v.boolean()),
      batchScaling: v.optional(v.picklist(["weak", "strong"])),
      onWorkerLoss: v.optional(v.picklist(["redo", "drop"])),
    }),
    /** Estimates in bytes (see `MemoryEstimate`). */
    memory: fields({ parameters: number, blobs: number, least: number }),
    /** Device it trains on, with GPUs by number, and what chose that: options, or the solver's `solver_mode: GPU`. */
    device: v.optional(
      fields({
        provider: v.picklist(["cpu", "cuda", "webgpu"]),
        devices: v.optional(list(count)),
        /** True if CUDA may round to TF32. */
        tf32: v.optional(v.boolean()),
        chosenBy: v.optional(v.picklist(["options", "auto", "solver_mode"])),
      }),
    ),
    /** The train net's data layers. `rows` counts the records of all replicas; absent where the data is made, not read. */
    data: list(
      fields({
        tops: list(v.string()),
        kind: v.string(),
        path: v.optional(v.string()),
        batchSize: count,
        rows: v.optional(count),
      }),
    ),
  }),
  /** One iteration is done; `iteration` counts the updates before it, as Caffe numbers iterations. */
  iteration: event("iteration", {
    loss: number,
    /** Mean of the last `average_loss` losses. */
    smoothedLoss: number,
    rate: number,
    /** Rows of data that all replicas took for it. */
    rows: number,
    times: fields({ dataWaitMs: number, gradientMs: number, updateMs: number }),
    /** True if the solver's `display` names this iteration; then `outputs` has the train net's output blobs. */
    display: v.optional(v.boolean(), false),
    outputs: v.optional(outputs, {}),
  }),
  /** Mean absolute values of a displayed iteration's blobs, parameters and gradients, under debug_info; precedes its iteration. */
  statistics: event("statistics", {
    forward: list(statistic),
    backward: list(statistic),
    norms: fields({ data: norms, diff: norms }),
    /** Each parameter after the update, and its change. */
    update: list(fields({ layer: v.string(), param: count, data: number, diff: number })),
  }),
  /** Every parameter around an iteration's update and every blob of its last batch, where statistics were asked for; precedes its iteration. */
  "layer-statistics": event("layer-statistics", {
    parameters: list(
      fields({
        layer: v.string(),
        param: count,
        values: distribution,
        gradients: distribution,
        updates: distribution,
        /** log10 of the mean magnitude of the updates over that of the values. */
        ratio: number,
      }),
    ),
    activations: list(fields({ layer: v.string(), blob: v.string(), ...spread, /** Share of zeros. */ zeros: number })),
  }),
  /** `done` of the batches of a test pass are done. */
  "test-progress": event("test-progress", { net: count, done: count, total: count }),
  /** A test pass of one test net is done: means of its output blobs and of its objective. */
  test: event("test", {
    net: count,
    outputs,
    loss: number,
    /** Average precision by output and class, under show_per_class_result. */
    classes: v.optional(v.record(v.string(), v.record(v.string(), number))),
  }),
  /** After the last iteration: the smoothed loss with that of the batch that would come next; absent if that is not finite. */
  loss: event("loss", { smoothedLoss: v.optional(number) }),
  /** A test found the best score so far; its weights are in `path`. */
  best: event("best", { metric: v.string(), value: number, path: v.string() }),
  snapshot: event("snapshot", {
    paths: fields({ model: v.string(), state: v.string(), side: v.string(), replicas: v.string() }),
  }),
  /** A snapshot could not be written; training goes on and tries again. */
  "snapshot-failed": event("snapshot-failed", { error: fields({ message: v.string() }) }),
  /** A round of several replicas is done: each did some iterations, and they were averaged. */
  round: event("round", {
    /** Rounds done in this run. */
    round: count,
    /** Iterations of this round. */
    iterations: count,
    /** Mean loss over its iterations and replicas. */
    loss: number,
    /** Rows of data that all replicas took. */
    rows: number,
    imagesPerSecond: number,
    /** Spread of the replicas' parameters before averaging, in rounds with layer statistics. */
    spread: v.optional(number),
    times: fields({
      sendMs: number,
      computeMs: number,
      waitMs: number,
      averageMs: number,
      totalMs: number,
      slowestMs: number,
    }),
    /** Parts of the replicas; those that were dropped are not in it. */
    shares: v.optional(list(fields({ replica: count, rows: count, loss: number, computeMs: number, waitMs: number }))),
    lost: list(lost),
  }),
  /** A replica was lost in the round, or the test of `net`, whose event follows. */
  "replica-lost": event("replica-lost", { round: v.optional(count), net: v.optional(count), ...lost.entries }),
  /** The sync interval was found, from the time of an iteration and of averaging. */
  "sync-interval": event("sync-interval", { interval: count, iterationMs: number, overheadMs: number }),
  /**
   * The threads inside one op that a step takes, found by timing passes before the first one or kept from a training before (then nothing
   * is `tried`). Absent threads are onnxruntime's choice: the physical cores.
   */
  threads: event("threads", {
    threads: v.optional(count),
    tried: list(fields({ threads: v.optional(count), passMs: number })),
  }),
  /** One replica alone, measured before training. */
  baseline: event("baseline", { imagesPerSecond: number }),
  /** Something was asked of the running training, and is done: by whom (`from`: the dashboard, say). */
  control: event("control", {
    action: v.picklist(["snapshot", "stop", "rate"]),
    from: v.string(),
    /** With `rate`: what the learning rates are multiplied by from here on, and the next one. */
    factor: v.optional(number),
    rate: v.optional(number),
  }),
  /** An iteration of a layer's pretraining, which `step` counts: means over its batch. */
  pretraining: event("pretraining", {
    layer: v.string(),
    step: count,
    loss: number,
    /** Mean squared error of the reconstruction, per unit. */
    reconstructionError: number,
    /** Of a restricted Boltzmann machine. */
    freeEnergy: v.optional(number),
  }),
  /** Measured memory in bytes: resident size of this process and its worker processes, and memory on GPUs where it is known. */
  memory: event("memory", { resident: count, processes: count, device: v.optional(count) }),
  /** Something that the user should know and that does not end the training. */
  warning: event("warning", { message: v.string(), file: v.optional(v.string()), notes: list(v.string()) }),
  /** Training is over; `stopped` says why before max_iter. */
  done: event("done", {
    stopped: v.optional(v.picklist(["asked", "early-stop", "max-time"])),
    /** Records of the training data that were skipped because they could not be used, counted each time that they came. */
    skipped: v.optional(count, 0),
    /** Images per second of all replicas together, over all rounds but the first, which compiles. */
    imagesPerSecond: v.optional(number),
    /** That, divided by the baseline's. */
    speedUp: v.optional(number),
  }),
} as const;

type Schemas = typeof eventSchemas;
export type EventKind = keyof Schemas;
type EventOf<K extends EventKind> = v.InferOutput<Schemas[K]>;

/** An event of a training. */
export type TrainEvent = { [K in EventKind]: EventOf<K> }[EventKind];
export type StartEvent = EventOf<"start">;
export type IterationEvent = EventOf<"iteration">;
export type StatisticsEvent = EventOf<"statistics">;
export type LayerStatisticsEvent = EventOf<"layer-statistics">;
export type TestEvent = EventOf<"test">;
export type TestProgressEvent = EventOf<"test-progress">;
export type BestEvent = EventOf<"best">;
export type SnapshotEvent = EventOf<"snapshot">;
export type SnapshotFailedEvent = EventOf<"snapshot-failed">;
export type RoundEvent = EventOf<"round">;
export type ReplicaLostEvent = EventOf<"replica-lost">;
export type SyncIntervalEvent = EventOf<"sync-interval">;
export type ThreadsEvent = EventOf<"threads">;
export type BaselineEvent = EventOf<"baseline">;
export type ControlEvent = EventOf<"control">;
export type PretrainingEvent = EventOf<"pretraining">;
export type MemoryEvent = EventOf<"memory">;
export type WarningEvent = EventOf<"warning">;
export type DoneEvent = EventOf<"done">;

/** Reason why training ended before max_iter. */
export type Stopped = NonNullable<DoneEvent["stopped"]>;

/** Tests whether there are events of this kind. */
export const isEventKind = (kind: unknown): kind is EventKind =>
  typeof kind === "string" && Object.hasOwn(eventSchemas, kind);

/** An event from plain data, such as JSON.parse gives. Throws NetrunError, naming the field, where it is none. */
export function parseEvent(value: unknown): TrainEvent {
  const kind = (value as { readonly kind?: unknown } | null | undefined)?.kind;
  if (!isEventKind(kind)) throw new NetrunError(`not an event of a training: kind ${JSON.stringify(kind)}`);
  const found = v.safeParse(eventSchemas[kind] as v.GenericSchema<unknown, TrainEvent>, value);
  if (found.success) return found.output;
  throw new NetrunError(`the event "${kind}" is damaged: ${issuesOf(found.issues)}`);
}

/** The first issue of a schema check, with the path of the field. */
export function issuesOf([issue]: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${path}: ${issue.message}`;
}

/** The warning event of a warning. */
export const warningEvent = (iteration: number, { message, file, notes }: NetrunError): WarningEvent => ({
  kind: "warning",
  iteration,
  message,
  ...(file !== undefined && { file }),
  notes,
});
