import { NetrunError, nearest } from "../error.js";
import type { Value } from "../graph/index.js";
import type { LoweredNet } from "../net/lower.js";
import { OPSETS } from "../onnx/write/index.js";
import { TRANSFORM } from "../options/data.js";
import { countRange, isInRange, shown } from "../options/number.js";
import { checkOptions as checkTable, type Options } from "../options/option.js";
import { NET, STATE } from "../options/run.js";
import type { Shapes } from "../run/program.js";
import type { BuildContext } from "./build.js";
import type { ConvertOptions } from "./options.js";
import type { Preprocessing } from "./preprocess.js";

/** Decisions of a conversion before it writes. */
export interface Plan {
  readonly context: BuildContext;
  readonly shapes: Shapes;
  readonly options: ConvertOptions;
  readonly opset: number;
  readonly name: string;
  /** The file for the weights, where they are not in the model. */
  readonly external: string | undefined;
  readonly preprocessing: Preprocessing | undefined;
}

const NAMES = { type: "names", describe: "" } as const;
const FLAG = { type: "boolean", describe: "" } as const;

/** Options whose values have messages of no special kind. */
const OPTIONS: Options = {
  ...STATE,
  shape: NET.shape,
  cropSize: TRANSFORM.cropSize,
  meanFile: TRANSFORM.meanFile,
  outputs: NAMES,
  floatLayers: NAMES,
  fp16: FLAG,
  int8: FLAG,
  fold: FLAG,
  preprocess: FLAG,
  dynamicSpatial: FLAG,
  allowMissing: FLAG,
};

/** Throws NetrunError for options that are out of their range or do not go together. */
export function checkConvertOptions(opset: number, options: ConvertOptions): void {
  if (!(Number.isInteger(opset) && opset >= OPSETS.least && opset <= OPSETS.most))
    throw new NetrunError(`opset ${opset} is not one of ${OPSETS.least} to ${OPSETS.most}`);
  for (const name of ["batch", "height", "width", "verifyBatches", "calibrateBatches"] as const) {
    const value = options[name];
    if (value !== undefined && !isInRange(value, countRange("pixels")))
      throw new NetrunError(`${name} ${shown(value)} is not a positive integer`);
  }
  const isNumber = (value: unknown) => isInRange(value, {});
  for (const name of ["scale", "mean"] as const) {
    const given = options[name] ?? [];
    if (![given].flat().every(isNumber)) throw new NetrunError(`${name} ${shown(given)} does not consist of numbers`);
  }
  checkTable(OPTIONS, options);
  if (options.int8 && options.fp16)
    throw new NetrunError("a model is either int8 or fp16", { notes: ["leave one of --int8 and --fp16 away"] });
  if (options.int8 && options.calibrate === undefined)
    throw new NetrunError("int8 needs data to take the ranges of blobs from", {
      notes: ["--calibrate DATA names it (in the API calibrate: path): some hundred rows such as the net is for"],
    });
  if (!options.int8 && (options.calibrate ?? options.calibrateBatches ?? options.floatLayers?.[0]) !== undefined)
    throw new NetrunError("calibration is for int8 models", { notes: ["add --int8"] });
  if (options.compare !== undefined && options.preprocess)
    throw new NetrunError("recorded inputs are what the net takes, with preprocessing the file takes images", {
      notes: ["compare without --preprocess"],
    });
}

/**
 * The inputs' shapes with the batch size, height and width that were asked for. Throws NetrunError where no input is an image
 * that these could be of.
 */
export function sized({ inputs }: LoweredNet, { batch, height, width }: ConvertOptions): Shapes {
  const isImage = ({ type }: Value) => type.shape.length === 4;
  if ((height ?? width) !== undefined && ![...inputs.values()].some(isImage))
    throw new NetrunError("the net has no image input, which height and width could be of");
  const shapes = new Map<string, readonly number[]>();
  const values = [...inputs.values()];
  const items = (values.find(isImage) ?? values[0])?.type.shape[0] ?? 1;
  for (const [name, { type }] of inputs) {
    const shape = [...type.shape];
    // Several rows an image, as ten boxes, stay that many.
    if (batch !== undefined && shape.length > 0)
      shape[0] = shape[0]! > items && shape[0]! % items === 0 ? (shape[0]! / items) * batch : batch;
    if (height !== undefined && shape.length === 4) shape[2] = height;
    if (width !== undefined && shape.length === 4) shape[3] = width;
    shapes.set(name, shape);
  }
  return shapes;
}

/** Warns of a shape of an input that the net does not have: one list may be for several nets, and a name may be misspelt. */
export function warnOfShapes({ inputs }: LoweredNet, { shapes = {}, onWarning }: ConvertOptions): void {
  const name = Object.keys(shapes).find((each) => !inputs.has(each));
  if (name === undefined) return;
  const near = nearest(name, inputs.keys());
  const notes = [near ? `did you mean "${near}"?` : `its inputs: ${[...inputs.keys()].join(", ")}`];
  onWarning?.(new NetrunError(`the net has no input "${name}", whose shape is given`, { notes }));
}

/** Input shapes at a batch size; inputs with several rows an item (as two boxes an image) keep that. */
export function atBatch(shapes: Shapes, batch: number): Shapes {
  const least = [...shapes.values()].reduce((gcd, [rows = 0]) => greatestDivisor(gcd, rows), 0);
  return new Map(
    [...shapes].map(([name, [rows, ...rest]]) => [name, rows === undefined ? [] : [(rows / least) * batch, ...rest]]),
  );
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

/** The shapes with images higher by `growth` and wider by twice that. */
export const grown = (shapes: Shapes, growth: number): Shapes =>
  new Map(
    [...shapes].map(([name, shape]) => {
      const [n, c, h, w] = shape;
      return [name, shape.length === 4 ? [n!, c!, h! + growth, w! + 2 * growth] : shape];
    }),
  );

/** Offset of a probe of open sizes in the height: odd, so that rounding of pooled sizes shows. */
export const SPATIAL_GROWTH = 37;
