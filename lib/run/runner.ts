import { decode } from "../caffe/message.js";
import { type Feed, openFeed } from "../data/feed/feed.js";
import type { Tensor } from "../data/tensor.js";
import { NetrunError } from "../error.js";
import { registeredTypes, withExtraFields } from "../layers/index.js";
import { labelRanges } from "../net/label-ranges.js";
import type { LoweredNet } from "../net/lower.js";
import type { SessionOptions } from "../onnx/session.js";
import type { Request } from "./compiled-net.js";
import type { NetPlan } from "./plan.js";
import { Program } from "./program.js";

/** Tensors by blob name. */
export type Batch = Readonly<Record<string, Tensor>>;

/** A compiled net and its data. */
export interface Runner {
  readonly program: Program;
  readonly net: LoweredNet;
  readonly feeds: readonly Feed[];
}

/** Opens the data of a net and lowers the net for its shapes. */
export async function openRunner(plan: NetPlan, session: SessionOptions): Promise<Runner> {
  const { phase, feeds: specs, shapes, sources, extras } = plan;
  const feeds: Feed[] = [];
  try {
    for (const spec of specs) feeds.push(await openFeed(spec));
    const { layer, force_backward: forceBackward } = decode("NetParameter", plan.net);
    const layers = withExtraFields(layer, extras);
    const program = new Program({ layers, phase, sources, types: registeredTypes(), forceBackward }, session);
    const known = new Map([...Object.entries(shapes), ...feeds.flatMap((feed) => Object.entries(feed.shapes))]);
    const net = program.lower(known);
    const ranges = labelRanges(layers, net);
    for (const feed of feeds) feed.restrict(ranges);
    return { program, feeds, net };
  } catch (error) {
    for (const feed of feeds) await feed[Symbol.asyncDispose]();
    throw error;
  }
}

/** Closes what a runner has open. */
export async function closeRunner({ program, feeds }: Runner): Promise<void> {
  await program[Symbol.asyncDispose]();
  for (const feed of feeds) await feed[Symbol.asyncDispose]();
}

/** Has feeds go on from positions; one that has none, or is there, stays where it is. */
export async function seek(feeds: readonly Feed[], positions: readonly number[]): Promise<void> {
  for (const [i, feed] of feeds.entries()) {
    const position = positions[i];
    if (position !== undefined && position !== feed.position) await feed.seek(position);
  }
}

/** The next batch of every feed, by top name. */
export async function nextBatch(feeds: readonly Feed[]): Promise<Batch> {
  const batches = await Promise.all(feeds.map((feed) => feed.next()));
  return Object.assign({}, ...batches);
}

/** Hands the arrays of a batch back to its feeds, except those that a result still refers to. */
export function recycle(feeds: readonly Feed[], batch: Batch, results: Readonly<Record<string, Float32Array>>): void {
  const kept = new Set(Object.values(results).map(({ buffer }) => buffer));
  for (const feed of feeds) {
    const tops = Object.keys(feed.shapes).map((top) => [top, batch[top]!] as const);
    if (tops.every(([, { data }]) => !kept.has(data.buffer))) feed.recycle(Object.fromEntries(tops));
  }
}

/** Runs a runner's net once on a batch. Throws NetrunError for an input that has no data. */
export function run(
  { program, net }: Runner,
  request: Request,
  batch: Batch,
  weights: Float32Array,
  draw: readonly [number, number],
  again = false,
) {
  const data: Record<string, Float32Array> = {};
  const shapes = new Map<string, readonly number[]>();
  for (const name of net.inputs.keys()) {
    const tensor = batch[name];
    if (!tensor) {
      throw new NetrunError(`input "${name}" has no data`, {
        notes: ["feed it: a batch in the API, --data PATH on the command line, or a data layer in the prototxt"],
      });
    }
    data[name] = tensor.data;
    shapes.set(name, tensor.shape);
  }
  return program.run(request, { data, shapes, weights, draw, again });
}
