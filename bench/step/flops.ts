import { ProtoLoader } from "../../lib/index.js";
import { summarise } from "../../lib/inspect/summary.js";
import type { StepNet } from "./nets.js";

const NO_DATA = { shapes: new Map(), assumed: new Set<string>(), fallback: new Map(), notes: [] };

/** Floating-point operations of a step's convolutions and matrix products: forward, and both gradients but that of the data. */
export function flopsOf({ prototxt }: StepNet): number {
  const { layers, multiplyAdds } = summarise(ProtoLoader.loadNetPrototxt(prototxt), "TRAIN", NO_DATA);
  const first = layers
    .filter(({ bottoms }) => bottoms.includes("data"))
    .reduce((sum, layer) => sum + layer.multiplyAdds, 0);
  return 2 * (3 * multiplyAdds - first);
}
