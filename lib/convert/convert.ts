import { rmSync } from "node:fs";
import { join } from "node:path";
import { refusedFork } from "../caffe/forks/index.js";
import { loadNet } from "../caffe/load.js";
import type { NetParameter } from "../caffe/messages.js";
import type { StoredWeights } from "../caffe/stored.js";
import { writePieces } from "../file.js";
import { sameShape } from "../graph/index.js";
import { registeredTypes } from "../layers/index.js";
import { lower } from "../net/lower.js";
import { byteLength, joined, pieces } from "../onnx/parts.js";
import { type Files, OPSETS } from "../onnx/write/index.js";
import { newScratchFolder } from "../scratch.js";
import { FoldedWeights } from "../targets/index.js";
import { type BuildContext, outputsOf } from "./build.js";
import { type Checked, type CheckPlan, check, isChecked } from "./check.js";
import { cutBefore } from "./cut.js";
import { inferenceNet } from "./net.js";
import type { Converted, ConvertOptions, ConvertReport, WeightsSource } from "./options.js";
import { checkConvertOptions, type Plan, sized, warnOfShapes } from "./plan.js";
import { preprocessingOf } from "./preprocess.js";
import { type Result, writeFreely } from "./probes.js";
import { gatherWeights, readAllWeights, type WeightsReport } from "./weights.js";

/** From this many bytes on, protobuf's limit of 2 GB forces weights into a file of their own. */
const EXTERNAL_FROM = 2 ** 31 - 2 ** 24;

/** From this many bytes on a model is checked from a temporary file: onnxruntime copies what it is given as bytes. */
const FILE_FROM = 2 ** 24;

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
  const conversion = await prepare(net, weights, options);
  const { written, plan, files } = conversion;
  // 5. The file against the net.
  if (!isChecked(options)) return finished(conversion, joined(files.model), NOT_CHECKED);
  if (plan.bytes < FILE_FROM) {
    const model = joined(written.files(undefined).model);
    const checked = await check(model, written, plan);
    return finished(conversion, plan.external === undefined ? model : joined(files.model), checked);
  }
  const folder = newScratchFolder("convert");
  try {
    const path = join(folder, "model.onnx");
    // With its weights beside it, which onnxruntime maps where it would copy them.
    const { model, externalData } = written.files(plan.external ?? "weights");
    writePieces(join(folder, plan.external ?? "weights"), pieces(externalData));
    writePieces(path, pieces(model));
    const checked = await check(path, written, plan);
    return finished(conversion, joined(files.model), checked);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function finished(conversion: Conversion, model: Uint8Array, checked: Checked): Converted {
  const { files, plan } = conversion;
  const parts = () => Array.from(pieces(files.externalData), (bytes) => bytes.slice());
  return {
    model,
    externalData: plan.external === undefined ? undefined : { name: plan.external, parts: parts() },
    report: reportOf(conversion, checked),
  };
}

/** Of a model that was not to be checked. */
export const NOT_CHECKED: Checked = { verification: undefined, accuracy: [], comparison: undefined };

/** A model ready to be written. */
export interface Conversion extends Result {
  readonly plan: CheckPlan;
  readonly gathered: WeightsReport;
  readonly files: Files;
}

/** Everything that comes before writing: the net, its weights and the graph. Throws NetrunError as `convert` does. */
export async function prepare(
  net: string | NetParameter,
  weights: WeightsSource,
  options: ConvertOptions,
): Promise<Conversion> {
  const { opset = OPSETS.default } = options;
  checkConvertOptions(opset, options);
  // 1. The layers that inference needs, and the shapes of their inputs.
  const { message, baseDir, path } = loadNet(net, options);
  const refused = refusedFork(message, "");
  if (refused) throw refused;
  const inference = inferenceNet(message, { ...options, path });
  const layers = cutBefore(inference, options.outputs);
  const asRead = lower(layers, { phase: "TEST", types: registeredTypes(), shapes: inference.shapes });
  warnOfShapes(asRead, options);
  const shapes = sized(asRead, options);
  const isAsRead = [...asRead.inputs].every(([name, { type }]) => sameShape(type.shape, shapes.get(name)!));
  const lowered = isAsRead ? asRead : lower(layers, { phase: "TEST", types: registeredTypes(), shapes });
  const outputs = outputsOf(lowered, options.outputs, inference);
  // 2. Their weights.
  const sources = weightSources(weights);
  const file = sources.filter((source) => typeof source === "string").join(", ") || undefined;
  const sizes = new Map(asRead.parameters.map(({ key, spec }) => [key, spec.shape]));
  const gathered = gatherWeights(lowered.parameters, await readAllWeights(sources), {
    ...options,
    file,
    asRead: sizes,
  });
  // 3. Graphs for several shapes, and from what they have in common 4. the file.
  const preprocessing = preprocessingOf(message, shapes, {
    ...options,
    baseDir: options.baseDir ?? baseDir,
    isUsed: options.preprocess === true || typeof options.verify === "string" || options.int8 === true,
  });
  const float: BuildContext = {
    layers,
    weights: gathered.values,
    outputs,
    fold: options.fold ?? true,
    foldedWeights: new FoldedWeights(!options.int8),
    openDims: false,
    openSpatial: options.dynamicSpatial ?? false,
    preprocessing: options.preprocess ? preprocessing : undefined,
    halves: options.fp16 ? new Map() : undefined,
    int8: undefined,
  };
  const external = options.externalData ?? (sizeOf(gathered.values) > EXTERNAL_FROM ? "weights.data" : undefined);
  const floatPlan: Plan = { context: float, shapes, options, opset, name: inference.name, external, preprocessing };
  const plan = options.int8 ? await inInt8(floatPlan) : floatPlan;
  const result = await writeFreely(plan);
  const isOpen = result.fixedBatch === undefined && options.batch === undefined;
  const files = result.written.files(external);
  const bytes = byteLength(files.model) + byteLength(files.externalData);
  return { ...result, gathered, files, plan: { ...plan, message, isOpen, bytes } };
}

async function inInt8(plan: Plan): Promise<Plan> {
  const { calibrate } = await import("./int8/calibrate.js");
  const { calibrate: data, calibrateBatches: batches, floatLayers: left = [] } = plan.options;
  return { ...plan, context: { ...plan.context, int8: await calibrate(plan, { data: data!, batches, left }) } };
}

/** Report of a conversion, with what checking its file found. */
export function reportOf({ plan, written, folded, fixedBatch, gathered }: Conversion, checked: Checked): ConvertReport {
  const { inputs, outputs, nodes } = written;
  const {
    bytes,
    context: { int8 },
  } = plan;
  const { missing, misshapen, extra } = gathered;
  return {
    name: plan.name,
    opset: plan.opset,
    inputs,
    outputs,
    nodes,
    bytes,
    fixedBatch,
    missing,
    misshapen,
    extra,
    folded,
    int8: int8 && { layers: int8.layers, left: Object.fromEntries(int8.left) },
    ...checked,
  };
}

function weightSources(weights: WeightsSource): readonly (string | StoredWeights)[] {
  return typeof weights === "string" || weights instanceof Map
    ? [weights]
    : (weights as readonly (string | StoredWeights)[]);
}

const sizeOf = (values: ReadonlyMap<string, Float32Array>) =>
  [...values.values()].reduce((sum, value) => sum + value.byteLength, 0);
