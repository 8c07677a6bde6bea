import { amend, sub } from "../caffe/message.js";
import type { LayerParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { multiplyAdds, sameShape, topological } from "../graph/index.js";
import { registeredTypes } from "../layers/index.js";
import { type LoweredNet, lower } from "../net/lower.js";
import type { Shapes } from "../run/program.js";
import { FoldedWeights } from "../targets/index.js";
import type { Plan } from "./plan.js";

/** Multiplications of the default check from which it takes minutes: those of volumes and large images. */
const HEAVY = 2e11;

/** Multiplications that a lighter check has at most. */
const LIGHT = 2.5e10;

/** No side of a lighter input is shorter. */
const LEAST_SIDE = 16;

/**
 * A plan of the same net and weights for smaller images or volumes, where running it at the sizes asked for would take minutes: the
 * same layers are written by the same code. Undefined where it is quick enough, or where the net has other weights at other sizes.
 */
export function lighter<P extends Plan>(plan: P, checked: readonly Shapes[]): P | undefined {
  const { context, options, preprocessing } = plan;
  if (options.preprocess || preprocessing?.cropSize || options.dynamicSpatial) return undefined;
  const whole = lowered(context.layers, plan.shapes);
  if (!whole) return undefined;
  const rows = (shapes: Shapes) => [...shapes.values()][0]?.[0] ?? 1;
  const batches = checked.reduce((sum, shapes) => sum + rows(shapes) / rows(plan.shapes), 0);
  if (costOf(whole) * batches < HEAVY) return undefined;
  const layers = context.layers.map(openReshape);
  for (let factor = 2; factor <= 32; factor *= 2) {
    const shapes = divided(plan.shapes, factor);
    if (!shapes) return undefined;
    const small = lowered(layers, shapes);
    if (small && hasWeightsOf(small, whole) && costOf(small) <= LIGHT)
      return { ...plan, shapes, context: { ...context, layers, foldedWeights: new FoldedWeights(!options.int8) } };
  }
  return undefined;
}

function lowered(layers: readonly LayerParameter[], shapes: Shapes): LoweredNet | undefined {
  try {
    return lower(layers, { phase: "TEST", types: registeredTypes(), shapes });
  } catch (error) {
    if (error instanceof NetrunError) return undefined;
    throw error;
  }
}

const costOf = ({ blobs }: LoweredNet): number =>
  topological([...blobs.values()]).reduce((sum, node) => sum + multiplyAdds(node), 0);

function hasWeightsOf(small: LoweredNet, whole: LoweredNet): boolean {
  const shapes = new Map(whole.parameters.map(({ key, spec }) => [key, spec.shape]));
  return small.parameters.every(({ key, spec }) => sameShape(spec.shape, shapes.get(key) ?? []));
}

/** Shapes whose images and volumes have sides divided by a factor; undefined where one would get too short. */
function divided(shapes: Shapes, factor: number): Shapes | undefined {
  const sides = [...shapes.values()].flatMap((shape) => (shape.length > 3 ? shape.slice(2) : []));
  if (sides.length === 0 || sides.some((side) => side > 1 && side / factor < LEAST_SIDE)) return undefined;
  return new Map(
    [...shapes].map(([name, shape]) => [
      name,
      shape.map((dim, axis) => (shape.length > 3 && axis > 1 && dim > 1 ? Math.round(dim / factor) : dim)),
    ]),
  );
}

/** The same Reshape with its largest dim left to the count of entries, which is the same at the size that it was written for. */
function openReshape(layer: LayerParameter): LayerParameter {
  const dims = layer.reshape_param ? sub(layer.reshape_param, "shape").dim.map(Number) : [];
  const largest = Math.max(...dims);
  if (dims.includes(-1) || !(largest > 1)) return layer;
  const dim = dims.map((each, i) => (i === dims.indexOf(largest) ? -1 : each));
  return amend(layer, {
    reshape_param: amend(layer.reshape_param!, { shape: amend(sub(layer.reshape_param!, "shape"), { dim }) }),
  });
}
