import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { NetrunError } from "../error.js";
import { multiplyAdds, type Node, topological } from "../graph/index.js";
import type { LoweredNet } from "../net/lower.js";
import { emit } from "../onnx/emit.js";
import { openSession, type SessionOptions } from "../onnx/session.js";
import { targetOf } from "../onnx/target-of.js";
import { newScratchFolder } from "../scratch.js";
import { formulated, portable } from "../targets/index.js";
import { endsOf, feeds, type RunInputs } from "./compiled-net.js";

/** Mean times of a layer in one pass, in milliseconds. */
export interface LayerTime {
  readonly layer: string;
  readonly forwardMs: number;
  readonly backwardMs: number;
}

/** Times of passes over a net. */
export interface Profile {
  /** In the net's order; what belongs to no layer, such as the sum of losses, comes last as "(net)". */
  readonly layers: readonly LayerTime[];
  /** Mean time of a forward and backward pass by the clock. */
  readonly passMs: number;
  /** Multiplications and additions of one pass in convolutions and matrix products. */
  readonly flops: number;
}

const NET = "(net)";

/**
 * Times passes forward and backward over a net, after one that does not count, by onnxruntime's own profile.
 * `order` has the names of the net's layers.
 */
export async function profileNet(
  net: LoweredNet,
  order: readonly string[],
  inputs: RunInputs,
  passes: number,
  options: SessionOptions,
): Promise<Profile> {
  const request = { blobs: net.outputs, gradients: "trainable" as const, objective: true };
  const graph = endsOf(net, request).outputs;
  // Layers may leave blobs as they are: a Power of power 1, a Dropout in phase TEST.
  if (graph.size === 0) throw new NetrunError("the net computes nothing: its blobs are its inputs as they are");
  const target = await targetOf(options);
  const outputs = await formulated(graph, target);
  const folder = newScratchFolder("profile");
  try {
    const opening = { ...options, asWritten: target.runsAsWritten, profile: join(folder, "p") };
    const session = await openSession(emit({ name: "profile", outputs }), opening);
    const fed = feeds(net, inputs);
    await session.run(fed, session.outputs);
    const startMs = performance.now();
    for (let i = 0; i < passes; i++) await session.run(fed, session.outputs);
    const passMs = (performance.now() - startMs) / passes;
    await session[Symbol.asyncDispose]();
    const events = JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]!), "utf8")) as ProfileEvent[];
    const nodes = topological(outputs.values());
    return {
      layers: layerTimes(order, nodes, events),
      passMs,
      flops:
        2 *
        topological((await formulated(graph, portable)).values()).reduce((sum, node) => sum + multiplyAdds(node), 0),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An event of onnxruntime's profile, in Chrome's trace format; durations in microseconds. */
interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
}

function layerTimes(
  order: readonly string[],
  nodes: readonly Node[],
  events: readonly ProfileEvent[],
): readonly LayerTime[] {
  const durations = new Map<string, number[]>();
  for (const { cat, name, dur } of events) {
    if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
    const all = durations.get(name);
    if (all) all.push(dur);
    else durations.set(name, [dur]);
  }
  const names = new Set(nodes.map(({ label }) => label.replace(/\/grad$/, "")));
  const layers = order.filter((layer) => names.has(layer));
  const times = new Map([...layers, NET].map((layer) => [layer, { forwardMs: 0, backwardMs: 0 }]));
  // Longer names first: "conv1/x" is not a node of layer "conv1". Fused nodes are named after their first one.
  const byLength = layers.toSorted((a, b) => b.length - a.length);
  for (const [name, [, ...counted]] of durations) {
    const layer = byLength.find((each) => name.startsWith(`${each}/`) || name.includes(` ${each}/`)) ?? NET;
    const ms = counted.reduce((sum, each) => sum + each, 0) / Math.max(1, counted.length) / 1000;
    times.get(layer)![name.includes(`${layer}/grad/`) ? "backwardMs" : "forwardMs"] += ms;
  }
  return [...times].map(([layer, time]) => ({ layer, ...time }));
}
