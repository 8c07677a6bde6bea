import type { CommandModule } from "yargs";
import type { SolverParameter } from "../caffe/messages.js";
import { type SolverNet, solverNets } from "../caffe/solver-nets.js";
import type { StoredBlob } from "../caffe/stored.js";
import { NetrunError } from "../error.js";
import { type Artifact, readArtifact } from "../inspect/identify.js";
import { inspectEither, inspectNet, inspectState } from "../inspect/index.js";
import { printBlobs, printNet, printWeights, statistics } from "../inspect/print.js";
import { printText } from "../text/print.js";
import { listOf, warn } from "./common.js";

interface InspectArgs {
  readonly file?: string;
  readonly phase?: string;
  readonly level?: number;
  readonly stage?: string;
  readonly shape?: readonly string[];
  readonly json: boolean;
  readonly strict: boolean;
}

/** `netrun inspect FILE`: what is in a net, solver, weights, solver state or mean file. */
export const inspectCommand: CommandModule<object, InspectArgs> = {
  command: "inspect <file>",
  describe: "Show what is in a net, solver, .caffemodel, .solverstate or mean file",
  builder: (yargs) =>
    yargs
      .positional("file", { type: "string", describe: "The file" })
      .option("phase", { choices: ["TRAIN", "TEST"], describe: "Phase of a net; TEST if that works" })
      .option("level", { type: "number", describe: "Level of the net state" })
      .option("stage", { type: "string", describe: "Stages of the net state: NAME[,NAME...]" })
      .option("shape", { type: "string", array: true, describe: "Shape of a data blob: data=1,3,224,224" })
      .option("json", { type: "boolean", default: false, describe: "Print JSON" }) as never,
  handler: async (args) => {
    const { text, json } = await describe(
      args,
      await readArtifact(args.file!, { strict: args.strict, onWarning: warn }),
    );
    console.log(args.json ? JSON.stringify(json, null, 2) : text.join("\n"));
  },
};

interface Description {
  readonly text: readonly string[];
  readonly json: object;
}

async function describe(args: InspectArgs, artifact: Artifact): Promise<Description> {
  switch (artifact.kind) {
    case "net": {
      const { message, baseDir } = artifact.loaded;
      const options = { level: args.level, stages: listOf(args.stage), shapes: shapesOf(args.shape), baseDir };
      const net =
        args.phase === undefined
          ? await inspectEither(message, options)
          : await inspectNet(message, { ...options, phase: args.phase === "TRAIN" ? "TRAIN" : "TEST" });
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
    case "mean":
      return { text: printBlobs([["mean", artifact.blob]]), json: { kind: "mean", ...blobJson(artifact.blob) } };
  }
}

async function describeSolver(solver: SolverParameter, baseDir: string, args: InspectArgs): Promise<Description> {
  const lines = printText(solver).trimEnd().split("\n");
  const text = ["solver", ...lines.map((line) => `  ${line}`)];
  const summaries = [];
  for (const net of netsOf(solver, baseDir, args)) {
    const summary = await inspectState(net.net, net.state, { baseDir: net.baseDir, given: shapesOf(args.shape) });
    text.push("", `from ${net.source}`, ...printNet(summary));
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

/** `data=1,3,224,224` flags by blob. */
export function shapesOf(flags: readonly string[] = []): ReadonlyMap<string, readonly number[]> {
  return new Map(
    flags.map((flag) => {
      const [, name, dims] = /^(.+)=(\d+(?:,\d+)*)$/.exec(flag) ?? [];
      if (name === undefined || dims === undefined)
        throw new NetrunError(`--shape ${flag} is no shape`, { notes: ["write --shape data=1,3,224,224"] });
      return [name, dims.split(",").map(Number)];
    }),
  );
}
