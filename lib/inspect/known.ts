import type { LayerParameter } from "../caffe/messages.js";
import { type NetrunError, positionOf } from "../error.js";
import { type LoweredNet, type LowerOptions, lower } from "../net/lower.js";
import type { DataShapes, Shapes } from "./shapes.js";

/** A net lowered as far as shapes are known. */
export interface KnownNet {
  readonly lowered: LoweredNet;
  /** Layers that netrun does not have, in words. */
  readonly unsupported: readonly string[];
  /** Shapes of data that follow from the layers that read it, in words. */
  readonly assumed: readonly string[];
}

/**
 * Lowers what is known, and again as long as the layers that read data imply further shapes of it; what none implies is taken as
 * the data layer would have it. Throws NetrunError, located, for what is wrong with the net.
 */
export function lowerKnown(
  layers: readonly LayerParameter[],
  data: DataShapes,
  options: Omit<LowerOptions, "shapes" | "onUnsupported">,
): KnownNet {
  const tops = new Set(dataTops(layers));
  const assumed: string[] = [];
  let known = lowerOnce(layers, data.shapes, options);
  for (let shapes = new Map(data.shapes); ; ) {
    const { implied, unknown } = known.lowered;
    const isOpen = ([name]: readonly [string, unknown]) => tops.has(name) && unknown.has(name) && !shapes.has(name);
    const found = [...implied].filter(isOpen);
    const next = found.length > 0 ? found : [...data.fallback].filter(isOpen);
    if (next.length === 0) return { ...known, assumed };
    shapes = new Map([...shapes, ...next]);
    known = lowerOnce(layers, shapes, options);
    for (const [name, shape] of found)
      if (String(data.fallback.get(name)) !== String(shape))
        assumed.push(`${name} is taken to be [${shape.join(", ")}], as the layers that read it imply`);
  }
}

function lowerOnce(
  layers: readonly LayerParameter[],
  shapes: Shapes,
  options: Omit<LowerOptions, "shapes" | "onUnsupported">,
): Omit<KnownNet, "assumed"> {
  const unsupported: string[] = [];
  const onUnsupported = (layer: LayerParameter, error: NetrunError) => unsupported.push(inWords(layer, error));
  return { lowered: lower(layers, { ...options, shapes, onUnsupported }), unsupported };
}

/** What is said of a layer that netrun does not have: where it is, and what it makes unknown. */
function inWords({ top }: LayerParameter, { message, span, notes }: NetrunError): string {
  const where = span ? ` (line ${positionOf(span).line})` : "";
  const hint = notes.find((note) => note.startsWith("did you mean"));
  const after = top.length === 0 ? "" : `; shapes are not known after it, but where its kind tells them`;
  return `${message}${where}${hint ? `; ${hint}` : ""}${after}`;
}

/** The tops of layers that bring data in. */
export const dataTops = (layers: readonly LayerParameter[]): readonly string[] =>
  layers.filter(({ bottom }) => bottom.length === 0).flatMap(({ top }) => top);
