import { NetrunError } from "../../error.js";
import { inputName, type Value } from "../../graph/index.js";
import { buildSession } from "../../onnx/build.js";
import type { Affine8 } from "../../ops/quantize.js";
import type { Shapes } from "../../run/program.js";
import { type Calibration, keysOf, quantizedPlaces, Weights8 } from "../../targets/index.js";
import { build } from "../build.js";
import { atBatch, type Plan } from "../plan.js";
import { dataBatches } from "../rows.js";
import { affineOf, Observed } from "./ranges.js";

/** Rows that ranges are taken from where nothing says how many batches. */
const CALIBRATION_ROWS = 256;
/** Rows of a batch: all blobs of a batch are in memory at once. */
const BATCH_ROWS = 8;
/** Rounding a blob's values to 8 bits must leave them this far above its noise; else the layer stays float. */
const LEAST_DECIBELS = 20;

/** The data that ranges are taken from, and layers that are to stay float. */
export interface CalibrationOptions {
  readonly data: string;
  readonly batches: number | undefined;
  readonly left: readonly string[];
}

/**
 * Runs the net on rows of a data set and finds for each blob that 8 bits are to hold the range of its values. Layers whose blobs
 * do not bear that stay float. Throws NetrunError for data that does not fit, and for a net without layers that 8 bits are for.
 */
export async function calibrate(plan: Plan, options: CalibrationOptions): Promise<Calibration> {
  const { context, preprocessing } = plan;
  const shapes = smaller(plan);
  const { outputs } = await build(context, shapes, 1);
  const ends = context.outputs.map((name) => outputs.get(name)!);
  const left = new Map(options.left.map((name) => [name, "asked for"]));
  const { weighted, quantized } = quantizedPlaces(ends, new Set(left.keys()));
  for (const name of left.keys())
    if (!context.layers.some((layer) => layer.name === name)) throw new NetrunError(`the net has no layer "${name}"`);
  if (weighted.size === 0) throw new NetrunError("the net has no convolution or inner product for 8 bits");
  const keys = keysOf(ends);
  const owners = [...new Set(quantized.values())];
  const batch = [...shapes.values()][0]?.[0] ?? 1;
  const batches = dataBatches({
    data: options.data,
    shapes,
    needed: inputsOf(keys),
    fixedBatch: true,
    openSize: false,
    batches: options.batches ?? Math.ceil(CALIBRATION_ROWS / batch),
    preprocessing,
    inGraph: plan.options.preprocess ?? false,
    cropSize: preprocessing?.cropSize ?? 0,
  });
  const observed = await observe(owners, batches);
  const stored = new Map<string, Affine8>();
  const poor = new Map<Value, string>();
  for (const [value, seen] of observed) {
    const affine = affineOf(seen.range());
    stored.set(keys.get(value)!, affine);
    const decibels = seen.isFinite ? seen.signalToNoise(affine) : Number.NEGATIVE_INFINITY;
    if (!(decibels >= LEAST_DECIBELS)) poor.set(value, `8 bits leave its values ${decibels.toFixed(1)} dB above noise`);
  }
  for (const node of weighted) {
    const reason = [node.inputs[0]!, node.outputs[0]!].map((value) => poor.get(quantized.get(value)!)).find(Boolean);
    if (reason !== undefined) left.set(node.label, reason);
  }
  const layers = [...new Set([...weighted].map(({ label }) => label))].filter((label) => !left.has(label));
  return { stored, left, layers, weights: new Weights8() };
}

/** The inputs' shapes with few rows, where the batch size is not fixed. */
function smaller({ shapes, options }: Plan): Shapes {
  const rows = [...shapes.values()].reduce((most, [n = 0]) => Math.max(most, n), 0);
  return options.batch !== undefined || rows <= BATCH_ROWS ? shapes : atBatch(shapes, BATCH_ROWS);
}

async function observe(
  values: readonly Value[],
  batches: ReturnType<typeof dataBatches>,
): Promise<ReadonlyMap<Value, Observed>> {
  const observed = new Map(values.map((value) => [value, new Observed()]));
  const computed = values.filter((value) => inputName(value) === undefined);
  const outputs = new Map(computed.map((value, i) => [`v${i}`, value]));
  await using session = await buildSession({ name: "calibration", outputs }, { optimise: false });
  for await (const { inputs } of batches) {
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data]));
    const results = await session.run(feeds, [...outputs.keys()]);
    for (const [name, value] of outputs) observed.get(value)!.add(results[name]!);
    for (const value of values) {
      const name = inputName(value);
      if (name !== undefined) observed.get(value)!.add(feeds[name]!);
    }
  }
  return observed;
}

/** Names of the inputs that values depend on. */
const inputsOf = (keys: ReadonlyMap<Value, string>): ReadonlySet<string> =>
  new Set([...keys.keys()].flatMap((value) => inputName(value) ?? []));
