import type { CommandModule } from "yargs";
import { loadNet } from "../caffe/load.js";
import { NetrunError } from "../error.js";
import { writeWhole } from "../file.js";
import { toDot } from "../inspect/dot.js";
import { inspectNet, type NetSummary } from "../inspect/index.js";
import { listOf, warn } from "./common.js";
import { shapesOf } from "./inspect.js";

interface DrawArgs {
  readonly net?: string;
  readonly out?: string;
  readonly phase?: string;
  readonly level?: number;
  readonly stage?: string;
  readonly shape?: readonly string[];
  readonly strict: boolean;
}

/** `netrun draw NET -o net.svg`: a picture of a net, in both phases unless told otherwise. */
export const drawCommand: CommandModule<object, DrawArgs> = {
  command: "draw <net>",
  describe: "Draw a net as SVG or in Graphviz's language",
  builder: (yargs) =>
    yargs
      .positional("net", { type: "string", describe: "The net's prototxt" })
      .option("out", { alias: "o", type: "string", demandOption: true, describe: "FILE.svg or FILE.dot" })
      .option("phase", { choices: ["TRAIN", "TEST"], describe: "One phase only" })
      .option("level", { type: "number", describe: "Level of the net state" })
      .option("stage", { type: "string", describe: "Stages of the net state: NAME[,NAME...]" })
      .option("shape", { type: "string", array: true, describe: "Shape of a data blob: data=1,3,224,224" }) as never,
  handler: async (args) => {
    const out = args.out!;
    const [, format] = /\.(svg|dot)$/.exec(out) ?? [];
    if (format === undefined) throw new NetrunError(`-o ${out}: the name has to end in .svg or .dot`);
    const dot = toDot(await summaries(args));
    await writeWhole(out, format === "dot" ? dot : await renderSvg(dot));
  },
};

async function summaries({ net, phase, level, stage, shape, strict }: DrawArgs): Promise<NetSummary[]> {
  const { message, baseDir } = loadNet(net!, { strict, onWarning: warn });
  const options = { level, stages: listOf(stage), shapes: shapesOf(shape), baseDir };
  const phases = phase === undefined ? (["TRAIN", "TEST"] as const) : ([phase === "TRAIN" ? "TRAIN" : "TEST"] as const);
  const nets: NetSummary[] = [];
  for (const each of phases) nets.push(await inspectNet(message, { ...options, phase: each }));
  return nets;
}

async function renderSvg(dot: string): Promise<string> {
  const { instance } = await import("@viz-js/viz");
  return (await instance()).renderString(dot, { format: "svg" });
}
