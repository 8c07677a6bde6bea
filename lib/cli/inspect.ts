import type { SolverParameter } from "../caffe/messages.js";
import { type SolverNet, solverNets } from "../caffe/solver-nets.js";
import type { StoredBlob } from "../caffe/stored.js";
import { NetrunError } from "../error.js";
import { type Artifact, readArtifact } from "../inspect/identify.js";
import { inspectEither, inspectNet, inspectState } from "../inspect/index.js";
import { printBlobs, printNet, printWeights, statistics } from "../inspect/print.js";
import { printText } from "../text/print.js";
import type { CommandArgs } from "./commands/command.js";
import type { INSPECT } from "./commands/files.js";
import { report, stateOfFlags, warn } from "./common.js";

type InspectArgs = CommandArgs<typeof INSPECT>;

/** Shows what is in a file. */
export async function run(args: InspectArgs): Promise<void> {
  const { text, json } = await describe(args, await readArtifact(args.file!, { strict: args.strict, onWarning: warn }));
  report(args, json, () => text);
}

interface Description {
  readonly text: readonly string[];
  readonly json: object;
}

async function describe(args: InspectArgs, artifact: Artifact): Promise<Description> {
  switch (artifact.kind) {
    case "net": {
      const { message, baseDir, path } = artifact.loaded;
      const options = { ...stateOfFlags(args), shapes: shapesOf(args), baseDir, path };
      const net =
        args.phase === undefined
          ? await inspectEither(message, options)
          : await inspectNet(message, { ...options, phase: args.phase });
      return { text: printNet(net), json: { kind: "net", ...net } };
    }
    case "solver":
      return describeSolver(artifact.loaded.message, artifact.loaded.baseDir, args);
    case "weights": {
      const layers = artifact.net.layers.map(({ blobs, ...layer }) => ({ ...layer, blobs: blobs.map(blobJson) }));
      return { text: printWeights(artifact.net), json: { kind: "weights", name: artifact.net.name, layers } };
    }
    case "state": {
      const { history, ...state } = artifact.state;
      const text = [
        `solver state of iteration ${state.iter}, step ${state.current_step}, weights ${state.learned_net}`,
        ...printBlobs(history.map((blob, i) => [`history ${i}`, blob])),
      ];
      return { text, json: { kind: "state", ...state, history: history.map(blobJson) } };
    }
    case "onnx":
      return {
        text: (await import("../inspect/onnx.js")).printOnnx(artifact.model),
        json: { kind: "onnx", ...artifact.model },
      };
    case "mean":
      return { text: printBlobs([["mean", artifact.blob]]), json: { kind: "mean", ...blobJson(artifact.blob) } };
  }
}

async function describeSolver(solver: SolverParameter, baseDir: string, args: InspectArgs): Promise<Description> {
  const lines = printText(solver).trimEnd().split("\n");
  const text = ["solver", ...lines.map((line) => `  ${line}`)];
  const summaries = [];
  for (const net of netsOf(solver, baseDir, args)) {
    const summary = await inspectState(net.net, net.state, { baseDir: net.baseDir, given: shapesOf(args) });
    text.push("", `from ${net.source}`);
    for (const line of printNet(summary)) text.push(line);
    summaries.push({ source: net.source, ...summary });
  }
  return { text, json: { kind: "solver", type: solver.type, text: lines.join("\n"), nets: summaries } };
}

/** A solver can be looked at without its nets, which are often elsewhere. */
function netsOf(solver: SolverParameter, baseDir: string, { strict }: InspectArgs): readonly SolverNet[] {
  try {
    const { train, test } = solverNets(solver, { baseDir, strict, onWarning: warn });
    return [train, ...test];
  } catch (error) {
    if (!(error instanceof NetrunError)) throw error;
    warn(error);
    return [];
  }
}

function blobJson({ shape, data }: StoredBlob): object {
  return { shape, ...statistics(data) };
}

const shapesOf = ({ shape = {} }: InspectArgs) => new Map(Object.entries(shape));
