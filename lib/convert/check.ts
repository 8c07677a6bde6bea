import type { LayerParameter, NetParameter } from "../caffe/messages.js";
import { factsOf, placeTops } from "../layers/index.js";
import { openModelFile } from "../onnx/file.js";
import { joined } from "../onnx/parts.js";
import type { Written } from "../onnx/write/index.js";
import type { Shapes } from "../run/program.js";
import type { AccuracyComparison } from "./accuracy.js";
import { type Comparison, compare } from "./compare.js";
import type { Bound, Difference } from "./difference.js";
import type { ConvertOptions } from "./options.js";
import { lighter } from "./lighter.js";
import { atBatch, grown, type Plan, SPATIAL_GROWTH } from "./plan.js";
import { writeFreely } from "./probes.js";
import type { VerificationBatch } from "./rows.js";
import { PlainNet, randomInputs, type Verified, verify } from "./verify.js";

/** Result of checking a written model; undefined where it was not asked for. */
export interface Checked {
  readonly verification: readonly Difference[] | undefined;
  readonly accuracy: readonly AccuracyComparison[];
  readonly comparison: Comparison | undefined;
  /** Shapes of smaller inputs that were verified on, where those of the file would take minutes; undefined where the file's were. */
  readonly verifiedAt?: Readonly<Record<string, readonly number[]>> | undefined;
}

/** Subject of a check: a plan that has been carried out. */
export interface CheckPlan extends Plan {
  readonly message: NetParameter;
  /** True if the file takes batches of any size. */
  readonly isOpen: boolean;
  /** Bytes of the model with its weights. */
  readonly bytes: number;
}

/** Batches of data to verify on where nothing says how many. */
const VERIFY_BATCHES = 16;

/** Signal above noise that an int8 model's outputs have at least, on data. */
const INT8_DECIBELS = 10;

/** The part of detections that an int8 model may add or leave out: those with scores near the threshold come and go. */
const INT8_UNMATCHED = 0.5;

/** Signal above noise of nets that move values to the places of maxima: rounding otherwise, a few of those are others. */
const PLACES_DECIBELS = 60;
/** In half precision more of them are. */
const HALF_PLACES_DECIBELS = 20;

/** Tolerance of a file: rounding in another order, in half precision, or to 8 bits. */
function boundOf({ fp16, int8 }: ConvertOptions, layers: readonly LayerParameter[]): Bound {
  if (int8) return { decibels: INT8_DECIBELS, unmatched: INT8_UNMATCHED };
  const findsPlaces = layers.some((layer) => placeTops(layer).length > 0);
  const half = { absolute: 1e-2, relative: 2e-2 };
  if (fp16) return findsPlaces ? { ...half, decibels: HALF_PLACES_DECIBELS } : half;
  const close = { absolute: 1e-4, relative: 1e-3 };
  return findsPlaces ? { ...close, decibels: PLACES_DECIBELS } : close;
}

/** Tests whether the options ask for a check at all. */
export function isChecked({ verify: wanted = 1, compare: recorded }: ConvertOptions): boolean {
  return isVerified(wanted) || recorded !== undefined;
}

const isVerified = (wanted: ConvertOptions["verify"]) =>
  wanted !== false && wanted !== 0 && !(Array.isArray(wanted) && wanted.length === 0);

/** Runs a written model in onnxruntime, by its path or bytes, beside the net, on what the options name. */
export async function check(model: string | Uint8Array, written: Written, plan: CheckPlan): Promise<Checked> {
  const { context, options, shapes, message } = plan;
  const { verify: wanted = 1, compare: recorded } = options;
  const { outputs, layers } = context;
  // As it is written: rewritten for speed it rounds otherwise, which an ArgMax or unpooling turns into other places, and holds other
  // arrangements of the weights beside them. What 8-bit kernels compute shows only in a graph that has been rewritten to use them.
  const optimise = options.int8 === true;
  await using file = await openModelFile(model, { optimise });
  await using net = new PlainNet(context);
  const light = isNoise(options) ? lighter(plan, noiseShapes(plan)) : undefined;
  const verifyFile = async () =>
    await verify(net, file, outputs, await batchesOf(plan, written), boundOf(options, layers), detectionsOf(plan));
  const verified = isVerified(wanted) ? await (light ? verifyLight(light) : verifyFile()) : undefined;
  const bound = options.fp16 || options.int8 ? boundOf(options, layers) : undefined;
  const comparison =
    recorded === undefined
      ? undefined
      : await compare(recorded, net, file, { message, layers, outputs, shapes, inputs: written.inputs, bound });
  const verifiedAt = light && Object.fromEntries(light.shapes);
  return { verification: verified?.differences, accuracy: verified?.accuracy ?? [], comparison, verifiedAt };
}

/** Writes the net for smaller inputs, and verifies that. The file itself has been opened, and so is one that onnxruntime takes. */
async function verifyLight(plan: CheckPlan): Promise<Verified> {
  const { written } = await writeFreely(plan);
  const { outputs, layers } = plan.context;
  await using file = await openModelFile(joined(written.files(undefined).model), { optimise: false });
  await using net = new PlainNet(plan.context);
  const batches = await batchesOf(plan, written);
  return await verify(net, file, outputs, batches, boundOf(plan.options, layers), detectionsOf(plan));
}

/** Tests whether noise is verified on, whose size may be chosen: no data, and nothing recorded. */
const isNoise = ({ verify: wanted = 1, compare: recorded, int8 }: ConvertOptions): boolean =>
  (typeof wanted === "number" || wanted === true) && recorded === undefined && !int8;

/** Shapes of each batch of noise. */
function noiseShapes({ options: { verify: wanted = 1 }, isOpen, shapes }: CheckPlan): readonly Shapes[] {
  const sizes = isOpen ? [atBatch(shapes, 1), atBatch(shapes, 2)] : [shapes];
  return Array.from({ length: Number(wanted) }, () => sizes).flat();
}

/** Outputs that are detections, where precision is less than the net's: then their scores change places. */
function detectionsOf({ options: { fp16, int8 }, context: { layers } }: CheckPlan): ReadonlySet<string> {
  const rows = fp16 || int8 ? layers.filter((layer) => factsOf(layer).detections) : [];
  return new Set(rows.flatMap(({ top }) => top));
}

/** Data to verify on: given batches, rows of a data set, or noise; where the batch size is open noise at two sizes. */
async function batchesOf({ options, shapes, isOpen, preprocessing }: CheckPlan, { inputs }: Written) {
  const { verify: wanted = 1, verifyBatches = VERIFY_BATCHES } = options;
  const isList = typeof wanted === "object";
  // Noise is not in the ranges that 8 bits hold: what they were taken from is.
  const data = typeof wanted === "string" ? wanted : isList ? undefined : options.calibrate;
  if (data !== undefined) {
    // Loaded when it is wanted: every data source comes with it.
    const { dataBatches } = await import("./rows.js");
    return dataBatches({
      data,
      shapes,
      needed: new Set(Object.keys(inputs)),
      fixedBatch: !isOpen,
      openSize: options.dynamicSpatial ?? false,
      batches: typeof wanted === "number" && wanted > 1 ? wanted : verifyBatches,
      preprocessing,
      inGraph: options.preprocess ?? false,
      cropSize: options.cropSize ?? preprocessing?.cropSize ?? 0,
    });
  }
  if (isList) return wanted.map((given): VerificationBatch => ({ inputs: given, rows: 0 }));
  const noise = (sized: Shapes, seed: number): VerificationBatch => ({ inputs: randomInputs(sized, seed), rows: 0 });
  const sizes = isOpen ? [atBatch(shapes, 1), atBatch(shapes, 2)] : [shapes];
  if (options.dynamicSpatial) sizes.push(grown(sizes[0]!, SPATIAL_GROWTH + 1));
  return Array.from({ length: Number(wanted) }, (_, i) =>
    sizes.map((each, k) => noise(each, sizes.length * i + k + 1)),
  ).flat();
}
