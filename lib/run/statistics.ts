import { type Layout, view } from "../net/layout.js";
import type { LoweredNet } from "../net/lower.js";
import type { RunResult } from "./compiled-net.js";

/**
 * What Caffe's debug_info shows of a forward and a backward: the mean absolute value of each blob and parameter, then of their
 * gradients from the last layer to the first, then the norms of all. Blobs that layers change in place show once, as they end.
 */
export function debugLines(net: LoweredNet, layout: Layout, weights: Float32Array, result: RunResult): string[] {
  const lines: string[] = [];
  const blobs = [...net.blobs].map(([name, { node }]) => ({ name, layer: node.label === "" ? name : node.label }));
  // A layer whose top another one changes in place has no blob of its own left: its parameters come last.
  const rest = [...layout.slots.values()].map(({ parameter }) => parameter.layer);
  const layers = [...new Set([...blobs.map(({ layer }) => layer), ...rest])];
  for (const each of layers) {
    for (const { name } of blobs.filter(({ layer }) => layer === each))
      lines.push(`    [Forward] Layer ${each}, top blob ${name} data: ${meanAbs(result.blobs[name]!)}`);
    for (const slot of parametersOf(layout, each))
      lines.push(
        `    [Forward] Layer ${each}, param blob ${slot.parameter.index} data: ${meanAbs(view(weights, slot))}`,
      );
  }
  for (const each of layers.reverse()) {
    for (const { name } of blobs.filter(({ layer }) => layer === each)) {
      const gradient = result.inputGradients[name];
      if (gradient) lines.push(`    [Backward] Layer ${each}, top blob ${name} diff: ${meanAbs(gradient)}`);
    }
    for (const { parameter } of parametersOf(layout, each)) {
      const diff = result.gradients[parameter.key];
      if (diff) lines.push(`    [Backward] Layer ${each}, param blob ${parameter.index} diff: ${meanAbs(diff)}`);
    }
  }
  const data = norms([weights]);
  const diff = norms(Object.values(result.gradients));
  lines.push(
    `    [Backward] All net params (data, diff): L1 norm = (${data[0]}, ${diff[0]}); L2 norm = (${data[1]}, ${diff[1]})`,
  );
  return lines;
}

/** What debug_info shows of an update: each parameter after it, and what it was changed by. */
export function updateLines(layout: Layout, before: Float32Array, after: Float32Array): string[] {
  return [...layout.slots.values()].map((slot) => {
    const { layer, index } = slot.parameter;
    const [from, to] = [view(before, slot), view(after, slot)];
    const change = meanAbs(from.map((value, i) => value - to[i]!));
    return `    [Update] Layer ${layer}, param ${index} data: ${meanAbs(to)}; diff: ${change}`;
  });
}

const parametersOf = (layout: Layout, layer: string) =>
  [...layout.slots.values()].filter((slot) => slot.parameter.layer === layer);

const digits = (value: number) => String(Number(value.toPrecision(6)));

function meanAbs(values: Float32Array): string {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
  return digits(sum / values.length);
}

function norms(parts: readonly Float32Array[]): readonly [l1: string, l2: string] {
  let [l1, squares] = [0, 0];
  for (const values of parts) {
    for (let i = 0; i < values.length; i++) {
      l1 += Math.abs(values[i]!);
      squares += values[i]! * values[i]!;
    }
  }
  return [digits(l1), digits(Math.sqrt(squares))];
}
