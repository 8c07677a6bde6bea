import { filterNet, mergeStates } from "../caffe/filter.js";
import { create } from "../caffe/message.js";
import { type NetParameter, type NetState, Phase as PhaseNumber } from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import type { PhaseName } from "../layers/index.js";
import type { Shapes } from "../run/program.js";
import { dataShapes } from "./shapes.js";
import { type NetSummary, summarise } from "./summary.js";

/** Layers of a net to look at, and what is known of its data. */
export interface InspectOptions {
  readonly phase: PhaseName;
  readonly level?: number | undefined;
  readonly stages?: readonly string[] | undefined;
  readonly shapes?: Shapes | undefined;
  readonly baseDir: string;
  /** The net's file: a deploy net beside it may tell shapes that it leaves open. */
  readonly path?: string | undefined;
}

/** Shapes, parameters and costs of a net in a state. Throws NetrunError, located, for what is wrong with the net. */
export async function inspectNet(net: NetParameter, options: InspectOptions): Promise<NetSummary> {
  const { phase, level, stages, shapes: given = new Map(), baseDir, path } = options;
  const phaseState = create("NetState", { phase: PhaseNumber[phase] });
  const flags = create("NetState", { level: level ?? null, stage: stages ?? [] });
  return inspectState(net, mergeStates(net.state, phaseState, flags), { given, baseDir, path });
}

/**
 * The net in its test phase or, where that is not sound (a data layer of a stage is missing, say), in its training phase, with
 * the reason among its notes. Throws as `inspectNet` if neither is, for the phase that the net has data for.
 */
export async function inspectEither(net: NetParameter, options: Omit<InspectOptions, "phase">): Promise<NetSummary> {
  try {
    return await inspectNet(net, { ...options, phase: "TEST" });
  } catch (error) {
    if (!(error instanceof NetrunError)) throw error;
    const summary = await inspectNet(net, { ...options, phase: "TRAIN" }).catch((ofTrain: unknown) => {
      throw hasSource(net, PhaseNumber.TEST) ? error : ofTrain;
    });
    return { ...summary, notes: [...summary.notes, `phase TEST does not work: ${error.message}`] };
  }
}

/** Tests whether any layer of a phase brings data in; without one the net is not meant for that phase. */
function hasSource(net: NetParameter, phase: PhaseNumber): boolean {
  return filterNet(net, create("NetState", { phase })).layer.some(({ bottom }) => bottom.length === 0);
}

/** The same for a state as a whole. */
export async function inspectState(
  net: NetParameter,
  state: NetState,
  {
    given = new Map(),
    baseDir,
    path,
  }: { readonly given?: Shapes; readonly baseDir: string; readonly path?: string | undefined },
): Promise<NetSummary> {
  const phase: PhaseName = state.phase === PhaseNumber.TRAIN ? "TRAIN" : "TEST";
  const filtered = filterNet(net, state);
  const data = await dataShapes(filtered.layer, { phase, baseDir, given, net, path });
  return summarise(filtered, phase, { ...data, notes: [...unusedShapes(filtered, given), ...data.notes] });
}

/** Notes on shapes that are given for blobs that are not there. */
function unusedShapes({ layer }: NetParameter, given: Shapes): readonly string[] {
  const blobs = new Set(layer.flatMap(({ bottom, top }) => [...bottom, ...top]));
  return [...given.keys()].flatMap((name) => {
    if (blobs.has(name)) return [];
    const near = nearest(name, blobs);
    return [`the net has no blob "${name}", whose shape is given${near ? `; did you mean "${near}"?` : ""}`];
  });
}

export { readArtifact } from "./identify.js";
export type { LayerSummary, NetSummary } from "./summary.js";
