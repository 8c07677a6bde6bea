import { type LayerTimes, timeLayers } from "../api/layer-times.js";
import { apiOf } from "../options/option.js";
import { GRADIENTS } from "../options/run.js";
import type { CommandArgs } from "./commands/command.js";
import type { TIME } from "./commands/inference.js";
import { dataOfFlags, refuseSwappedFlags, report, stateOfFlags, warn } from "./common.js";
import { sessionOfFlags } from "./session-flags.js";

/** Times each layer of a net, forward and backward. */
export async function run(args: CommandArgs<typeof TIME>): Promise<void> {
  refuseSwappedFlags("time", args.model, args.weights ?? []);
  const times = await timeLayers(args.model, {
    ...(await sessionOfFlags(args)),
    ...stateOfFlags(args),
    ...dataOfFlags(args),
    ...apiOf(GRADIENTS, args),
    phase: args.phase,
    weights: args.weights,
    iterations: args.iterations,
    strict: args.strict,
    onWarning: warn,
  });
  report(args, times, () => timeLines(times));
}

/** A line a layer, then the sums. */
export function timeLines({ layers, passMs, flops, updateMs, step, images }: LayerTimes): readonly string[] {
  const busy = layers.filter(({ forwardMs, backwardMs }) => forwardMs + backwardMs > 0);
  const sum = (of: (layer: (typeof busy)[number]) => number) => busy.reduce((total, layer) => total + of(layer), 0);
  const forward = sum(({ forwardMs }) => forwardMs);
  const backward = sum(({ backwardMs }) => backwardMs);
  const width = busy.reduce((most, { layer }) => Math.max(most, layer.length), 5);
  const ms = (value: number) => `${value.toFixed(3)} ms`.padStart(12);
  const stepMs = step?.stepMs ?? passMs + updateMs;
  return [
    `${"layer".padStart(width)}${"forward".padStart(12)}${"backward".padStart(12)}   share`,
    ...busy.map(({ layer, forwardMs, backwardMs }) => {
      const share = (100 * (forwardMs + backwardMs)) / (forward + backward);
      return `${layer.padStart(width)}${ms(forwardMs)}${ms(backwardMs)}${share.toFixed(1).padStart(6)} %`;
    }),
    `Average Forward pass: ${forward.toFixed(3)} ms.`,
    `Average Backward pass: ${backward.toFixed(3)} ms.`,
    `Average Forward-Backward: ${passMs.toFixed(3)} ms.`,
    `Average Update: ${updateMs.toFixed(3)} ms.`,
    `Average Step: ${stepMs.toFixed(3)} ms, ${(images / (stepMs / 1000)).toFixed(1)} images/s, ${(flops / passMs / 1e6).toFixed(2)} GFLOP/s forward-backward`,
    ...(step ? [`Outside onnxruntime: ${step.outsideMs.toFixed(3)} ms of a step, ${share(step).toFixed(1)} %`] : []),
  ];
}

/** Percent of a step that is outside onnxruntime. */
const share = ({ stepMs, outsideMs }: NonNullable<LayerTimes["step"]>): number => (100 * outsideMs) / stepMs;
