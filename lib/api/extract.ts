import type { From } from "../caffe/load.js";
import type { NetParameter } from "../caffe/messages.js";
import { usableRecords } from "../data/feed/usable.js";
import { checkWorkers, type HostOptions } from "../engine/hosts/make-host.js";
import { hostsOn } from "../engine/hosts/make-host.js";
import { openForwardEngine, replicaSession } from "../engine/open.js";
import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import { chooseSession } from "../onnx/choose-session.js";
import { replicasOn } from "../onnx/device.js";
import { checkNumber, countRange as countOf } from "../options/number.js";
import { checkOptions } from "../options/option.js";
import { HOSTS } from "../options/parallel.js";
import { Net, type NetOptions, type Tensors } from "./net.js";

/** Net and data of an extraction, and the blobs wanted. */
export interface ExtractOptions extends NetOptions, HostOptions {
  /** A net's prototxt (path or text), or the message. */
  readonly model: From<NetParameter>;
  /** Names of the blobs to give. */
  readonly blobs: readonly string[];
  /** Batches to run; without it all of the data, once. */
  readonly iterations?: number | undefined;
  /** Replicas of the net, each in a thread or process of its own with its share of the batches; without it, one in this thread. */
  readonly workers?: number | undefined;
}

/** The features of some inputs, in the order of the data. */
export interface Features {
  /** Index of the first of them. */
  readonly first: number;
  readonly length: number;
  /** The blobs by name, [length, ...]; the arrays are overwritten when the next features are asked for. */
  readonly blobs: Tensors;
}

/** A net that is ready to run over its data. */
export interface Extraction extends AsyncDisposable, AsyncIterable<Features> {
  /** Inputs in all (without bad records, where these are left out), and in a batch. */
  readonly rows: number;
  readonly batchSize: number;
  /** The shape of each blob for one input, in the order of `blobs`. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/**
 * Named blobs of a whole data set, batch by batch and in its order; the same numbers with any number of workers.
 * Throws NetrunError for what is wrong with the net, the blobs or the data.
 */
export async function* extract(options: ExtractOptions): AsyncGenerator<Features, void> {
  await using extraction = await openExtraction(options);
  yield* extraction;
}

/** Opens what `extract` runs. Throws what it throws. */
export async function openExtraction(options: ExtractOptions): Promise<Extraction> {
  const { workers: _, ...hosts } = HOSTS;
  checkOptions(hosts, options);
  const { model, iterations, ...rest } = options;
  const chosen = await chooseSession(options);
  const workers = options.workers ?? replicasOn(chosen);
  if (iterations !== undefined) checkNumber("iterations", iterations, countOf("batches"));
  if (workers !== undefined) checkWorkers(workers);
  await using net = await Net.load(model, rest);
  const blobs = [...new Set(options.blobs)];
  const { batchSize, ...whole } = extentOf(net, iterations);
  // More replicas than batches would have nothing to do.
  const replicas = workers === undefined ? undefined : Math.max(1, Math.min(workers, whole.batches));
  const inParts = replicas !== undefined && replicas > 1;
  if (inParts && options.onBadRecord === "skip") {
    throw new NetrunError("where bad records are left out, what is in a batch depends on those before it", {
      notes: ["use one worker, or let a bad record end the run"],
    });
  }
  const session = replicaSession({ workers: replicas }, chosen);
  const { plan, weights } = net.forwardPlan(blobs, session, inParts);
  const isShorter = options.onBadRecord === "skip" && iterations === undefined;
  const rows = isShorter ? await usableRecords(plan.net.feeds[0]!) : whole.rows;
  const batches = Math.ceil(rows / batchSize);
  const shapes = new Map(blobs.map((name) => [name, shapeOfRow(name, net.shapes.get(name)!, batchSize)]));
  const engine = openForwardEngine(replicas, replicas === undefined ? options : hostsOn(options, chosen));
  try {
    await engine.open(plan, weights);
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
  async function* features(): AsyncGenerator<Features, void> {
    let first = 0;
    for await (const values of engine.run(batches)) {
      // The last batch is filled from the start of the data again.
      const length = Math.min(batchSize, rows - first);
      yield { first, length, blobs: firstRows(shapes, values, length) };
      first += length;
    }
  }
  return {
    rows,
    batchSize,
    shapes,
    [Symbol.asyncIterator]: features,
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

/** Number of inputs there are, in all and in a batch. Throws NetrunError where the net reads no data, or data without an end. */
function extentOf(net: Net, iterations: number | undefined) {
  const { records } = net;
  if (records === undefined) {
    throw new NetrunError("the net reads no data", { notes: ["--data PATH (in the API `data`) feeds its inputs"] });
  }
  const batchSize = net.shapes.get(net.inputs[0]!)![0]!;
  const rows = iterations === undefined ? records : iterations * batchSize;
  if (!Number.isFinite(rows)) {
    throw new NetrunError("the data has no end", { notes: ["say how many batches: --iterations"] });
  }
  return { rows, batchSize, batches: Math.ceil(rows / batchSize) };
}

/** The shape of a blob's row, of its shape in a batch. Throws NetrunError where it has no rows. */
export function shapeOfRow(name: string, shape: readonly number[], batch: number): readonly number[] {
  if (shape[0] === batch) return shape.slice(1);
  throw new NetrunError(`blob "${name}" is [${shape}]: it has no row for each of the ${batch} inputs of a batch`);
}

function firstRows(
  shapes: ReadonlyMap<string, readonly number[]>,
  values: readonly Float32Array[],
  length: number,
): Tensors {
  return Object.fromEntries(
    [...shapes].map(([name, row], i) => {
      const shape = [length, ...row];
      return [name, { shape, data: values[i]!.subarray(0, count(shape)) }];
    }),
  );
}
