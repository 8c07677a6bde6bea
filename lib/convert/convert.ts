import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadNet } from "../caffe/load.js";
import type { NetParameter } from "../caffe/messages.js";
import type { StoredWeights } from "../caffe/stored.js";
import { NetrunError } from "../error.js";
import { registeredTypes } from "../layers/index.js";
import { type LoweredNet, lower } from "../net/lower.js";
import { type BuildContext, build, outputsOf } from "./build.js";
import { Memo } from "./fold.js";
import { inferenceNet } from "./net.js";
import { OPSETS } from "./opset.js";
import type { Converted, ConvertOptions, Difference, WeightsSource } from "./options.js";
import { describe, type Preprocessing, preprocessingOf } from "./preprocess.js";
import { randomInputs, type Tensors, type VerifyContext, verify } from "./verify.js";
import { gatherWeights, readAllWeights } from "./weights.js";
import { NotFree, type Probe, type Written, write } from "./write.js";

type Shapes = ReadonlyMap<string, readonly number[]>;

/** Sizes that depend on data (detections, Filter): two different ones show where they go. No batch size of a probe is one. */
const DATA_SIZES = [5, 7] as const;
/** What a probe adds to the batch size, or to height and width. */
const BATCHES = [2, 3] as const;

/** From this many bytes on, protobuf's limit of 2 GB forces weights into a file of their own. */
const EXTERNAL_FROM = 2 ** 31 - 2 ** 24;

/**
 * Converts a Caffe net with its weights to standard ONNX: the TEST-phase net with data layers as inputs and losses as predictions.
 * `net` is the path of a prototxt, its text or a message; weights are files or blobs by layer name.
 * Throws NetrunError for what is wrong with the net or the weights; what verification finds is in the report.
 */
export async function convert(
  net: string | NetParameter,
  weights: WeightsSource,
  options: ConvertOptions = {},
): Promise<Converted> {
  const { opset = OPSETS.default } = options;
  checkOptions(opset, options);
  // 1. The layers that inference needs, and the shapes of their inputs.
  const { message, baseDir } = typeof net === "string" ? loadNet(net, options) : { message: net, baseDir: "." };
  const inference = inferenceNet(message, options);
  const { layers } = inference;
  const shapes = sized(lower(layers, { phase: "TEST", types: registeredTypes(), shapes: inference.shapes }), options);
  const lowered = lower(layers, { phase: "TEST", types: registeredTypes(), shapes });
  const outputs = outputsOf(lowered, options.outputs, inference.silenced);
  // 2. Their weights.
  const sources = weightSources(weights);
  const file = sources.filter((source) => typeof source === "string").join(", ") || undefined;
  const gathered = gatherWeights(lowered.parameters, await readAllWeights(sources), { ...options, file });
  // 3. Graphs for several shapes, and from what they have in common 4. the file.
  const preprocessing = preprocessingOf(message, shapes, { ...options, baseDir: options.baseDir ?? baseDir });
  const context = {
    layers,
    weights: gathered.values,
    outputs,
    fold: options.fold ?? true,
    memo: new Memo(),
    openDims: false,
    openSpatial: options.dynamicSpatial ?? false,
    preprocessing: options.preprocess ? preprocessing : undefined,
    halves: options.fp16 ? new Map() : undefined,
  };
  const external = options.externalData ?? (byteLength(gathered.values) > EXTERNAL_FROM ? "weights.data" : undefined);
  const plan: Plan = { context, shapes, options, opset, name: inference.name, external, preprocessing };
  const { written, folded, fixedBatch } = await writeFreely(plan);
  // 5. The file against the net.
  const verification = await check(written, plan, batchesOf(plan, fixedBatch));
  return {
    model: written.model,
    externalData: external === undefined ? undefined : { name: external, parts: written.externalData },
    report: {
      name: inference.name,
      opset,
      inputs: written.inputs,
      outputs: written.outputs,
      nodes: written.nodes,
      bytes: written.model.length + written.externalData.reduce((sum, part) => sum + part.length, 0),
      fixedBatch,
      missing: gathered.missing,
      extra: gathered.extra,
      folded,
      verification,
    },
  };
}

interface Plan {
  readonly context: BuildContext;
  readonly shapes: Shapes;
  readonly options: ConvertOptions;
  readonly opset: number;
  readonly name: string;
  readonly external: string | undefined;
  readonly preprocessing: Preprocessing | undefined;
}

interface Result {
  readonly written: Written;
  readonly folded: Readonly<Record<string, readonly string[]>>;
  readonly fixedBatch: string | undefined;
}

function checkOptions(opset: number, options: ConvertOptions): void {
  if (!(Number.isInteger(opset) && opset >= OPSETS.least && opset <= OPSETS.most))
    throw new NetrunError(`opset ${opset} is not one of ${OPSETS.least} to ${OPSETS.most}`);
  for (const name of ["batch", "height", "width"] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isInteger(value) && value > 0))
      throw new NetrunError(`${name} ${value} is not a positive integer`);
  }
}

/** The inputs' shapes with the batch size, height and width that were asked for. */
function sized({ inputs }: LoweredNet, { batch, height, width }: ConvertOptions): Shapes {
  const shapes = new Map<string, readonly number[]>();
  for (const [name, { type }] of inputs) {
    const shape = [...type.shape];
    if (batch !== undefined && shape.length > 0) shape[0] = batch;
    if (height !== undefined && shape.length === 4) shape[2] = height;
    if (width !== undefined && shape.length === 4) shape[3] = width;
    shapes.set(name, shape);
  }
  return shapes;
}

/** Writes the model with an open batch size where the net allows that; why not, where it does not. */
async function writeFreely(plan: Plan): Promise<Result> {
  let fixedBatch: string | undefined;
  if (plan.options.batch === undefined) {
    try {
      return { ...(await writeFor(plan, true)), fixedBatch };
    } catch (error) {
      if (!(error instanceof NotFree || error instanceof NetrunError)) throw error;
      fixedBatch = error.message;
    }
  }
  try {
    return { ...(await writeFor(plan, false)), fixedBatch };
  } catch (error) {
    throw notOpen(error, plan.options);
  }
}

/** Why a file cannot be written, in the user's words: for given sizes the net was lowered before, so open ones are the cause. */
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
  const folded = Object.fromEntries([...first.folded].map(([layer, parts]) => [layer, [...parts]]));
  const written = write(probes, {
    name: plan.name,
    opset: plan.opset,
    dimNames,
    weightNames,
    metadata: metadataOf(plan, folded, first.neutral),
    externalData: plan.external,
  });
  return { written, folded };
}

/** The shapes with images higher by `growth` and wider by twice that. */
const grown = (shapes: Shapes, growth: number): Shapes =>
  new Map(
    [...shapes].map(([name, shape]) => {
      const [n, c, h, w] = shape;
      return [name, shape.length === 4 ? [n!, c!, h! + growth, w! + 2 * growth] : shape];
    }),
  );

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

/** Input shapes at a batch size; inputs with several rows an item (as two boxes an image) keep that. */
function atBatch(shapes: Shapes, batch: number): Shapes {
  const least = [...shapes.values()].reduce((gcd, [rows = 0]) => greatestDivisor(gcd, rows), 0);
  return new Map(
    [...shapes].map(([name, [rows, ...rest]]) => [name, rows === undefined ? [] : [(rows / least) * batch, ...rest]]),
  );
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

/** What a file says of itself: for importWeights, and how to make its input. */
function metadataOf({ preprocessing, shapes, options }: Plan, folded: Result["folded"], neutral: readonly string[]) {
  const own = { "netrun.folded": JSON.stringify(folded), "netrun.neutral": JSON.stringify(neutral) };
  if (!preprocessing) return own;
  const text = describe(preprocessing, shapes.get(preprocessing.input)!, options.preprocess ?? false);
  return { ...own, "netrun.preprocessing": text };
}

/** What a probe of open sizes adds to the height: odd, so that rounding of pooled sizes shows. */
const SPATIAL_GROWTH = 37;

function weightSources(weights: WeightsSource): readonly (string | StoredWeights)[] {
  return typeof weights === "string" || weights instanceof Map
    ? [weights]
    : (weights as readonly (string | StoredWeights)[]);
}

const byteLength = (values: ReadonlyMap<string, Float32Array>) =>
  [...values.values()].reduce((sum, value) => sum + value.byteLength, 0);

/** What to check on: given batches, or random ones; where sizes are open each at several. */
function batchesOf({ options, shapes }: Plan, fixedBatch: string | undefined): readonly Tensors[] {
  const { verify: wanted = 1 } = options;
  if (typeof wanted === "object") return wanted;
  const isOpen = fixedBatch === undefined && options.batch === undefined;
  const sizes = isOpen ? [atBatch(shapes, 1), atBatch(shapes, 2)] : [shapes];
  if (options.dynamicSpatial) sizes.push(grown(sizes[0]!, SPATIAL_GROWTH + 1));
  return Array.from({ length: Number(wanted) }, (_, i) =>
    sizes.map((each, k) => randomInputs(each, sizes.length * i + k + 1)),
  ).flat();
}

async function check(
  { model, externalData }: Written,
  { context, external, options }: Plan,
  batches: readonly Tensors[],
): Promise<readonly Difference[] | undefined> {
  if (batches.length === 0) return undefined;
  const against = { ...context, bound: boundOf(options) };
  if (external === undefined) return verify(model, against, batches);
  // onnxruntime finds the weights' file beside the model's.
  const folder = mkdtempSync(join(tmpdir(), "netrun-"));
  try {
    writeFileSync(join(folder, "model.onnx"), model);
    for (const part of externalData) appendFileSync(join(folder, external), part);
    return await verify(join(folder, "model.onnx"), against, batches);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How close a file has to come: rounding in another order, or in half precision. */
export const boundOf = ({ fp16 }: ConvertOptions): VerifyContext["bound"] =>
  fp16 ? { absolute: 1e-2, relative: 2e-2 } : { absolute: 1e-4, relative: 1e-3 };
