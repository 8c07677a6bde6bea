import { NetrunError } from "../error.js";
import { registeredTypes } from "../layers/index.js";
import { lower } from "../net/lower.js";
import { NotFree, type Probe, type Written, write } from "../onnx/write/index.js";
import type { Shapes } from "../run/program.js";
import { build } from "./build.js";
import type { ConvertOptions } from "./options.js";
import { atBatch, grown, type Plan, SPATIAL_GROWTH } from "./plan.js";
import { describe } from "./preprocess.js";
import { namedByRole } from "./roles.js";

/** Sizes that depend on data (detections, Filter): two different ones show where they go. No batch size of a probe is one. */
const DATA_SIZES = [5, 7] as const;
/** Offset of a probe in the batch size, or to height and width. */
const BATCHES = [2, 3] as const;

/** A written model, and what became of the net on the way. */
export interface Result {
  readonly written: Written;
  readonly folded: Readonly<Record<string, readonly string[]>>;
  readonly fixedBatch: string | undefined;
}

/** Writes the model with an open batch size where the net allows that; why not, where it does not. */
export async function writeFreely(plan: Plan): Promise<Result> {
  let fixedBatch: string | undefined;
  if (plan.options.batch === undefined) {
    try {
      return { ...(await writeFor(plan, true)), fixedBatch };
    } catch (error) {
      if (!(error instanceof NetrunError)) throw error;
      fixedBatch = error.message;
    }
  }
  try {
    return { ...(await writeFor(plan, false)), fixedBatch };
  } catch (error) {
    throw notOpen(error, plan.options);
  }
}

/** Reason why a file cannot be written, in the user's words: for given sizes the net was lowered before, so open ones are the cause. */
function notOpen(error: unknown, { dynamicSpatial }: ConvertOptions): unknown {
  if (!(error instanceof NotFree || (dynamicSpatial && error instanceof NetrunError))) return error;
  return dynamicSpatial
    ? new NetrunError(`height and width cannot be left open: ${error.message}`, {
        notes: ["--height and --width choose other fixed sizes"],
        cause: error,
      })
    : new NetrunError(`no one file holds for the net: ${error.message}`, { cause: error });
}

async function writeFor(plan: Plan, freeBatch: boolean): Promise<Omit<Result, "fixedBatch">> {
  const { options } = plan;
  const openDims = freeBatch || options.dynamicSpatial === true;
  const context = { ...plan.context, openDims };
  const dimNames = new Map<string, string>();
  const groups = freeBatch ? batchGroups(plan) : [];
  groups.forEach((group, i) => {
    for (const name of group) dimNames.set(`${name}/0`, i === 0 ? "N" : `${name}_N`);
  });
  if (options.dynamicSpatial) {
    for (const [name, shape] of plan.shapes)
      if (shape.length === 4) dimNames.set(`${name}/2`, "height").set(`${name}/3`, "width");
  }
  const base = freeBatch ? atBatch(plan.shapes, BATCHES[0]) : plan.shapes;
  const more = atBatch(plan.shapes, BATCHES[1]);
  const first = await build(context, base, DATA_SIZES[0]);
  const probes: Probe[] = [first];
  for (const group of groups) {
    const shapes = new Map([...base].map(([name, shape]) => [name, group.includes(name) ? more.get(name)! : shape]));
    probes.push(await build(context, shapes, DATA_SIZES[0]));
  }
  if (options.dynamicSpatial) probes.push(await build(context, grown(base, SPATIAL_GROWTH), DATA_SIZES[0]));
  probes.push(await build(context, base, DATA_SIZES[1]));
  const weightNames = new Map<unknown, string>();
  for (const [key, value] of context.weights) weightNames.set(value, key);
  for (const [value, half] of context.halves ?? []) {
    const name = weightNames.get(value);
    if (name !== undefined) weightNames.set(half, name);
  }
  for (const [value, name] of context.int8?.weights.names ?? []) weightNames.set(value, name);
  const folded = Object.fromEntries([...first.folded].map(([layer, parts]) => [layer, [...parts]]));
  const written = write(probes, {
    name: plan.name,
    opset: plan.opset,
    inputs: [...plan.shapes.keys()],
    dimNames,
    weightNames: namedByRole(first.outputs.values(), weightNames),
    bareNames: true,
    metadata: metadataOf(plan, folded),
    elements: (data) => context.foldedWeights.elements(data),
  });
  return { written, folded };
}

/** Inputs whose batch sizes go together: most often all, but boxes are not as many as images. Scalars are in none. */
function batchGroups({ context, shapes }: Plan): readonly (readonly string[])[] {
  const names = [...shapes].filter(([, shape]) => shape.length > 0).map(([name]) => name);
  if (names.length === 1) return [names];
  const [base, more] = BATCHES.map((batch) => atBatch(shapes, batch)) as [Shapes, Shapes];
  const alone = names.filter((name) => {
    try {
      const mixed = new Map([...base].map(([each, shape]) => [each, each === name ? more.get(each)! : shape]));
      lower(context.layers, { phase: "TEST", types: registeredTypes(), shapes: mixed });
      return true;
    } catch (error) {
      if (error instanceof NetrunError) return false;
      throw error;
    }
  });
  const together = names.filter((name) => !alone.includes(name));
  return together.length > 0 ? [together, ...alone.map((name) => [name])] : alone.map((name) => [name]);
}

/** Metadata of a file: for importWeights, and how to make its input. */
function metadataOf({ context, preprocessing, shapes, options }: Plan, folded: Result["folded"]) {
  const parts = new Set(Object.values(folded).flat());
  const uniform = [...context.weights].flatMap(([key, data]) => {
    const isUniform = Number.isFinite(data[0]) && data.every((value) => value === data[0]);
    return isUniform && !parts.has(key.slice(0, key.lastIndexOf("/"))) ? [[key, data[0]!] as const] : [];
  });
  const own = {
    "netrun.folded": JSON.stringify(folded),
    "netrun.uniform": JSON.stringify(Object.fromEntries(uniform)),
  };
  if (!preprocessing) return own;
  const text = describe(preprocessing, shapes.get(preprocessing.input)!, options.preprocess ?? false);
  return { ...own, "netrun.preprocessing": text };
}
