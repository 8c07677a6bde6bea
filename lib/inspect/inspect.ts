import type { SolverParameter } from "../caffe/messages.js";
import { type SolverNet, solverNets } from "../caffe/solver-nets.js";
import type { StoredBlob } from "../caffe/stored.js";
import { NetrunError } from "../error.js";
import type { PhaseName } from "../layers/index.js";
import { printText } from "../text/print.js";
import { type Artifact, readArtifact } from "./identify.js";
import { inspectEither, inspectNet, inspectState } from "./index.js";
import type { OnnxSummary } from "./onnx.js";
import {
  type BlobSummary,
  printBlobs,
  printNet,
  printWeights,
  statistics,
  table,
  type WeightsSummary,
} from "./print.js";
import type { NetSummary } from "./summary.js";

/** Part of a file to look at, and what is known of its data. */
export interface InspectFileOptions {
  /** Phase of a net; TEST where that works, without it. */
  readonly phase?: PhaseName | undefined;
  readonly level?: number | undefined;
  readonly stages?: readonly string[] | undefined;
  /** Shapes of data blobs by name. */
  readonly shapes?: Readonly<Record<string, readonly number[]>> | undefined;
  /** Makes unknown fields errors instead of warnings. */
  readonly strict?: boolean | undefined;
  /** Called for what is odd but no error. */
  readonly onWarning?: ((warning: NetrunError) => void) | undefined;
}

export type { BlobSummary } from "./print.js";

/** Description of a file, by its kind. */
export type Inspected =
  | ({ readonly kind: "net" } & NetSummary)
  | {
      readonly kind: "solver";
      readonly type: string;
      /** The solver as a prototxt, in today's format. */
      readonly text: string;
      /** Its nets, as far as they are there: the train net and those of tests. */
      readonly nets: readonly (NetSummary & { readonly source: string })[];
    }
  | ({ readonly kind: "weights" } & WeightsSummary)
  | {
      readonly kind: "state";
      readonly iter: number;
      readonly current_step: number;
      readonly learned_net: string;
      readonly history: readonly BlobSummary[];
    }
  | ({ readonly kind: "onnx" } & OnnxSummary)
  | {
      readonly kind: "labels";
      /** Classes by the names that annotations have; `shown` is the one for people. */
      readonly labels: readonly { readonly name: string; readonly shown: string; readonly label: number }[];
    }
  | ({ readonly kind: "mean" } & BlobSummary);

/** A file looked at: as lines for people, and as data. */
export interface Inspection {
  readonly lines: readonly string[];
  readonly inspected: Inspected;
}

/**
 * Tells what is in a file, by its content: a net with its shapes and costs, a solver with its nets, weights, a solver's state, a mean, a label
 * map, or an ONNX model; `netrun inspect --json`. Throws NetrunError for a file that is none of these, or damaged.
 */
export async function inspect(path: string, options: InspectFileOptions = {}): Promise<Inspected> {
  return (await inspectFile(path, options)).inspected;
}

/** The same, with what `netrun inspect` prints. */
export async function inspectFile(path: string, options: InspectFileOptions = {}): Promise<Inspection> {
  const artifact = await readArtifact(path, options);
  switch (artifact.kind) {
    case "net": {
      const net = await netOf(artifact, options);
      return { lines: printNet(net), inspected: { kind: "net", ...net } };
    }
    case "solver":
      return solverOf(artifact.loaded.message, artifact.loaded.baseDir, options);
    case "weights": {
      let name = "";
      const layers: WeightsSummary["layers"][number][] = [];
      for (const part of artifact.parts) {
        name = part.name || name;
        for (const { blobs, ...layer } of part.layers) layers.push({ ...layer, blobs: blobs.map(blobOf) });
      }
      return { lines: printWeights({ name, layers }), inspected: { kind: "weights", name, layers } };
    }
    case "state": {
      const { history: blobs, ...state } = artifact.state;
      const history = blobs.map(blobOf);
      const lines = [
        `solver state of iteration ${state.iter}, step ${state.current_step}, weights ${state.learned_net}`,
        ...printBlobs(history.map((blob, i) => [`history ${i}`, blob])),
      ];
      return { lines, inspected: { kind: "state", ...state, history } };
    }
    case "onnx": {
      const { printOnnx } = await import("./onnx.js");
      return { lines: printOnnx(artifact.model), inspected: { kind: "onnx", ...artifact.model } };
    }
    case "labels": {
      const { labels } = artifact;
      const rows = labels.map(({ label, name, shown }) => [String(label), name, shown]);
      const lines = [`label map: ${labels.length} classes`, ...table([["label", "name", "shown as"], ...rows], [0])];
      return { lines, inspected: { kind: "labels", labels } };
    }
    case "mean": {
      const blob = blobOf(artifact.blob);
      return { lines: printBlobs([["mean", blob]]), inspected: { kind: "mean", ...blob } };
    }
  }
}

function netOf({ loaded }: Extract<Artifact, { kind: "net" }>, options: InspectFileOptions): Promise<NetSummary> {
  const { message, baseDir, path } = loaded;
  const { phase, level, stages } = options;
  const known = { level, stages, shapes: shapesOf(options), baseDir, path };
  return phase === undefined ? inspectEither(message, known) : inspectNet(message, { ...known, phase });
}

async function solverOf(solver: SolverParameter, baseDir: string, options: InspectFileOptions): Promise<Inspection> {
  const text = printText(solver).trimEnd();
  const lines = ["solver", ...text.split("\n").map((line) => `  ${line}`)];
  const nets: (NetSummary & { readonly source: string })[] = [];
  for (const net of netsOf(solver, baseDir, options)) {
    const summary = await inspectState(net.net, net.state, { baseDir: net.baseDir, given: shapesOf(options) });
    lines.push("", `from ${net.source}`);
    for (const line of printNet(summary)) lines.push(line);
    nets.push({ source: net.source, ...summary });
  }
  return { lines, inspected: { kind: "solver", type: solver.type, text, nets } };
}

/** A solver can be looked at without its nets, which are often elsewhere. */
function netsOf(solver: SolverParameter, baseDir: string, options: InspectFileOptions): readonly SolverNet[] {
  const { strict, onWarning } = options;
  try {
    const { train, test } = solverNets(solver, { baseDir, strict, onWarning });
    return [train, ...test];
  } catch (error) {
    if (!(error instanceof NetrunError)) throw error;
    onWarning?.(error);
    return [];
  }
}

const blobOf = ({ shape, data }: StoredBlob): BlobSummary => ({ shape, ...statistics(data) });

const shapesOf = ({ shapes = {} }: InspectFileOptions) => new Map(Object.entries(shapes));
