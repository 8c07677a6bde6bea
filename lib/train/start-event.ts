import type { Net } from "../api/net.js";
import type { SolverParameter } from "../caffe/messages.js";
import type { FeedSpec } from "../data/feed/feed.js";
import type { Partition } from "../engine/engine.js";
import type { Layout } from "../net/layout.js";
import type { DeviceChoice } from "../onnx/choose-session.js";
import type { TestShape } from "../run/compile.js";
import type { TrainingPlan } from "../run/plan.js";
import { EVENT_VERSION, type StartEvent } from "./events.js";
import type { MemoryEstimate } from "./memory.js";
import { type ParallelOptions, replicasOf } from "./parallel.js";
import { asksForGpu } from "./solver-session.js";

/** Sources of a start event. */
interface Started {
  readonly iteration: number;
  readonly parameter: SolverParameter;
  readonly net: Net;
  readonly tests: readonly TestShape[];
  readonly layout: Layout;
  readonly memory: MemoryEstimate;
  readonly options: ParallelOptions & DeviceChoice;
  readonly plan: TrainingPlan;
  readonly partitions: readonly Partition[];
  readonly snapshotPrefix: string;
  readonly seed: number;
}

/** The first event of a training: what is trained, on what and how. */
export function startEvent(started: Started): StartEvent {
  const { iteration, parameter, net, tests, layout, memory, options, plan, partitions, snapshotPrefix, seed } = started;
  return {
    kind: "start",
    iteration,
    v: EVENT_VERSION,
    net: {
      name: net.parameter.name,
      layers: net.parameter.layer.length,
      parameters: layout.length,
      outputs: net.outputs,
      lossWeights: Object.fromEntries(net.lossWeights),
    },
    tests: tests.map(({ iterations, outputs, lossWeights }) => ({
      batches: iterations,
      outputs,
      lossWeights: Object.fromEntries(lossWeights),
    })),
    solver: {
      type: parameter.type,
      lrPolicy: parameter.lr_policy,
      baseLr: parameter.base_lr,
      maxIter: parameter.max_iter,
      iterSize: parameter.iter_size,
      display: parameter.display,
      testInterval: parameter.test_interval,
      testComputeLoss: parameter.test_compute_loss,
      snapshot: parameter.snapshot,
      snapshotPrefix,
      seed,
      net: parameter.net,
    },
    replicas: replicasOf(options),
    device: deviceOf(plan, parameter, options),
    memory: { parameters: memory.parameters, blobs: memory.blobs, least: memory.least },
    data: plan.train.feeds.map((feed, i) =>
      dataOf(
        feed,
        partitions.filter((each) => each.feed === i),
      ),
    ),
  };
}

function deviceOf({ session }: TrainingPlan, parameter: SolverParameter, given: DeviceChoice): StartEvent["device"] {
  const { provider = "cpu", devices, tf32 } = session;
  const isGiven = given.provider !== undefined || given.devices !== undefined;
  const by = isGiven
    ? given.provider === "auto"
      ? "auto"
      : "options"
    : asksForGpu(parameter)
      ? "solver_mode"
      : undefined;
  return { provider, ...(devices && { devices }), ...(tf32 !== undefined && { tf32 }), ...(by && { chosenBy: by }) };
}

/** Data of a layer; rows of all replicas together. */
function dataOf(feed: FeedSpec, partitions: readonly Partition[]): StartEvent["data"][number] {
  const { tops, batchSize } = feed;
  const rows = partitions.length === 0 ? {} : { rows: partitions.reduce((sum, each) => sum + each.rows, 0) };
  if (feed.kind === "windows") return { tops, batchSize, kind: feed.kind, path: feed.list, ...rows };
  if (feed.kind === "dummy") return { tops, batchSize, kind: feed.kind, ...rows };
  const { source } = feed;
  return { tops, batchSize, kind: source.kind, ...("path" in source && { path: source.path }), ...rows };
}
