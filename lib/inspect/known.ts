import type { LayerParameter } from "../caffe/messages.js";
import { NetrunError, positionOf } from "../error.js";
import { factsOf } from "../layers/index.js";
import { type LoweredNet, type LowerOptions, lower } from "../net/lower.js";
import type { Shapes } from "../run/program.js";
import type { DataShapes } from "./shapes.js";

/** A net lowered as far as shapes are known. */
export interface KnownNet {
  readonly lowered: LoweredNet;
  /** Layers that netrun does not have, in words. */
  readonly unsupported: readonly string[];
  /** Shapes of data that follow from the layers that read it, in words. */
  readonly assumed: readonly string[];
}

type Options = Omit<LowerOptions, "shapes" | "onUnsupported">;

/**
 * Lowers what is known, and again as long as the layers that read data imply further shapes of it; what none implies is taken as
 * the data layer would have it. Assumptions that do not fit are dropped. Throws NetrunError, located, for what is wrong with the net.
 */
export function lowerKnown(layers: readonly LayerParameter[], data: DataShapes, options: Options): KnownNet {
  const tops = new Set(dataTops(layers));
  const assumed: string[] = [];
  let shapes: Shapes = data.shapes;
  let misfit = "";
  let known = lowerOr(layers, shapes, options, (error) => {
    shapes = new Map([...shapes].filter(([name]) => !data.assumed.has(name)));
    if (error instanceof NetrunError) misfit = `${error.message}${placeOf(error)}`;
    return shapes;
  });
  if (shapes !== data.shapes)
    assumed.push(`what is assumed of the data does not fit the net, and is dropped: ${misfit}`);
  for (const tried = new Set(shapes.keys()); ; ) {
    const { implied, unknown } = known.lowered;
    const isOpen = ([name]: readonly [string, unknown]) => tops.has(name) && unknown.has(name) && !tried.has(name);
    const found = [...implied].filter(isOpen);
    const usual = [...data.fallback].filter(isOpen).slice(0, 1);
    const likely = [...known.likely].filter(([name]) => !tried.has(name));
    const next = [found, usual, likely].find((each) => each.length > 0);
    if (!next) return { ...known, assumed };
    for (const [name] of next) tried.add(name);
    const before = shapes;
    const more = new Map([...shapes, ...next]);
    shapes = more;
    known = lowerOr(layers, more, options, () => {
      shapes = before;
      return before;
    });
    if (next === likely && shapes === more)
      assumed.push(
        `tops of layers that netrun does not run are taken to keep the shapes of the bottoms, as most do: ${likely.map(inBrackets).join(", ")}`,
      );
    for (const [name, shape] of shapes === more ? found : [])
      if (String(data.fallback.get(name)) !== String(shape))
        assumed.push(`${name} is taken to be [${shape.join(", ")}], as the layers that read it imply`);
  }
}

const inBrackets = ([name, shape]: readonly [string, readonly number[]]): string => `${name} [${shape.join(", ")}]`;

/** Lowers with some shapes or, where the net is wrong with them, with others: it is wrong with those too, or the first were. */
function lowerOr(
  layers: readonly LayerParameter[],
  shapes: Shapes,
  options: Options,
  others: (error: unknown) => Shapes,
): Known {
  try {
    return lowerOnce(layers, shapes, options);
  } catch (error) {
    const rest = others(error);
    if (!(error instanceof NetrunError) || rest.size === shapes.size) throw error;
    return lowerOnce(layers, rest, options);
  }
}

type Known = Omit<KnownNet, "assumed"> & {
  readonly likely: Shapes;
};

function lowerOnce(layers: readonly LayerParameter[], shapes: Shapes, options: Options): Known {
  const missing: Missing[] = [];
  const onUnsupported = (layer: LayerParameter, error: NetrunError, kept: boolean) =>
    missing.push({ layer, error, kept });
  const lowered = lower(layers, { ...options, shapes, onUnsupported });
  return {
    lowered,
    unsupported: missing.map((each) => inWords(each, lowered)),
    likely: likelyShapes(missing, lowered),
  };
}

/** Likely shapes of what has none: of layers that nobody runs. */
function likelyShapes(missing: readonly Missing[], { blobs, unknown }: LoweredNet): Shapes {
  const likely = missing.flatMap(({ layer }) => {
    const shapes = factsOf(layer).likelyShapes?.(layer, (i) => blobs.get(layer.bottom[i]!)?.type.shape) ?? [];
    return layer.top.map((blob, i) => [blob, shapes[i]] as const);
  });
  return new Map(likely.flatMap(([blob, shape]) => (shape && unknown.has(blob) ? [[blob, shape]] : [])));
}

/** A layer that netrun does not have, and why; `kept`: for a field, without which its shapes are known. */
interface Missing {
  readonly layer: LayerParameter;
  readonly error: NetrunError;
  readonly kept: boolean;
}

const placeOf = ({ span }: Pick<NetrunError, "span">): string => (span ? ` (line ${positionOf(span).line})` : "");

/** Note on a layer that netrun does not have: where it is, and what it makes unknown. */
function inWords({ layer, error, kept }: Missing, { unknown }: LoweredNet): string {
  const { message, notes } = error;
  const where = placeOf(error);
  const hint = notes.find((note) => note.startsWith("did you mean"));
  const open = layer.top.filter((blob) => unknown.has(blob));
  const told = `; shapes are not known after it: ${shapeFlags(open)} says them`;
  const after = open.length > 0 ? told : kept ? "; shapes are those without it" : "";
  return `${message}${where}${hint ? `; ${hint}` : ""}${after}`;
}

/** Flags that say the shapes of blobs. */
export const shapeFlags = (blobs: readonly string[]): string =>
  blobs.map((blob) => `--shape ${blob}=${/label/.test(blob) ? "N" : "N,C,H,W"}`).join(" ");

/** The tops of layers that bring data in. */
export const dataTops = (layers: readonly LayerParameter[]): readonly string[] =>
  layers.filter(({ bottom }) => bottom.length === 0).flatMap(({ top }) => top);
