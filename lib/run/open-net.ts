import { decode } from "../caffe/message.js";
import type { LayerParameter } from "../caffe/messages.js";
import { type Feed, type FeedSpec, openFeed } from "../data/feed/feed.js";
import type { Tensors } from "../data/tensor.js";
import { type PhaseName, registeredTypes, type SourceBlob, withExtraFields } from "../layers/index.js";
import { labelRanges } from "../net/label-ranges.js";
import type { LoweredNet } from "../net/lower.js";
import type { SessionOptions } from "../onnx/session.js";
import type { RunRequest, RunResult } from "./compiled-net.js";
import { inputsOf } from "./inputs.js";
import type { NetPlan } from "./plan.js";
import { Program, type ProgramInputs } from "./program.js";

/** A net of one phase, and where its data comes from. */
export interface NetSource {
  readonly layers: readonly LayerParameter[];
  readonly forceBackward: boolean;
  readonly phase: PhaseName;
  /** The streams of its data layers. */
  readonly feeds: readonly FeedSpec[];
  /** Shapes of data blobs by name, where no feed tells them. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** The blobs in files that layers name, by path. */
  readonly sources: ReadonlyMap<string, SourceBlob>;
  /** True if gradients are Caffe's where its reuse of memory makes them other than the formula's. */
  readonly caffeQuirks: boolean;
  /** As in `ProgramSpec`. */
  readonly goesOn?: boolean | undefined;
}

/** Parts of a program of layers besides runs. */
export type RecurrentProgram = Pick<Program, "carried" | "carry" | "dependsOnData">;

/** A compiled net. */
export interface RunnableNet {
  readonly program: Pick<Program, "run"> & Partial<RecurrentProgram>;
  /** The net for the shapes of its data; its parameters keep their shapes from here on. */
  readonly net: LoweredNet;
}

/** A compiled net and its data. */
export interface OpenNet extends RunnableNet {
  readonly program: Program;
  readonly feeds: readonly Feed[];
}

/** Opens the data of a net and compiles the net for its shapes. Throws NetrunError, located where the layers are. */
export async function openNet(source: NetSource, session: SessionOptions | undefined): Promise<OpenNet> {
  const { layers, phase, sources, forceBackward, caffeQuirks, goesOn } = source;
  const feeds: Feed[] = [];
  try {
    // 1. Opened, feeds say the shapes of their tops.
    for (const spec of source.feeds) feeds.push(await openFeed(spec));
    const shapes = new Map([...Object.entries(source.shapes), ...feeds.flatMap((feed) => Object.entries(feed.shapes))]);
    // 2. Layers become one graph of tensor operations, checked for shapes on the way.
    const program = new Program(
      { layers, phase, sources, types: registeredTypes(), forceBackward, caffeQuirks, goesOn },
      session,
    );
    const net = program.lower(shapes);
    // 3. A label that the net has no class for is found with its record.
    const ranges = labelRanges(layers, net);
    for (const feed of feeds) feed.restrict(ranges);
    // 4. Gradients, ONNX and sessions are made by the program when a run first asks for them.
    return { program, feeds, net };
  } catch (error) {
    for (const feed of feeds) await feed[Symbol.asyncDispose]();
    throw error;
  }
}

/** Opens the net of a plan; `goesOn` as in `ProgramSpec`. */
export function openPlan(plan: NetPlan, session: SessionOptions, goesOn = false): Promise<OpenNet> {
  const { layer, force_backward: forceBackward } = decode("NetParameter", plan.net);
  return openNet({ ...plan, layers: withExtraFields(layer, plan.extras), forceBackward, goesOn }, session);
}

/** Closes what an open net has open. */
export async function closeNet({ program, feeds }: OpenNet): Promise<void> {
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
export async function nextBatch(feeds: readonly Feed[]): Promise<Tensors> {
  const batches = await Promise.all(feeds.map((feed) => feed.next()));
  return Object.assign({}, ...batches);
}

/** Hands the arrays of a batch back to its feeds, except those that a result still refers to. */
export function recycle(feeds: readonly Feed[], batch: Tensors, results: Readonly<Record<string, Float32Array>>): void {
  const kept = new Set(Object.values(results).map(({ buffer }) => buffer));
  for (const feed of feeds) {
    const tops = Object.keys(feed.shapes).map((top) => [top, batch[top]!] as const);
    if (tops.every(([, { data }]) => !kept.has(data.buffer))) feed.recycle(Object.fromEntries(tops));
  }
}

/** Runs an open net once on a batch. Throws NetrunError for an input that has no data, or data that does not fit. */
export function runNet(
  { program, net }: RunnableNet,
  request: RunRequest,
  batch: Tensors,
  weights: ProgramInputs["weights"],
  draw: readonly [number, number],
  { again = false, into }: Partial<Pick<ProgramInputs, "again" | "into">> = {},
): Promise<RunResult> {
  return program.run(request, { ...inputsOf(net.inputs, batch), weights, draw, again, into });
}
