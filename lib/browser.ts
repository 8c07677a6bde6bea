import { decodeWeights } from "./caffe/weights.js";
import { convert as convertNet, type ConvertOptions, type ConvertReport } from "./convert/index.js";
import { NetrunError } from "./error.js";
import { type ModelFile, openModelFile } from "./onnx/file.js";

export type { ConvertReport, ModelFile };
export { NetrunError };

/** Options of a conversion that need no files. */
export type BrowserConvertOptions = Omit<
  ConvertOptions,
  "verify" | "verifyBatches" | "compare" | "int8" | "calibrate" | "calibrateBatches" | "meanFile" | "externalData"
> & {
  /** Random batches to check the model on. Default 1; 0 for none. */
  readonly verify?: number;
};

/** A converted model. */
export interface BrowserConverted {
  /** The ONNX file. */
  readonly model: Uint8Array;
  readonly report: ConvertReport;
}

/**
 * Converts a Caffe net to standard ONNX as `convert` of `netrun` does, of a prototxt's text and the bytes of `.caffemodel` files, in order.
 * Throws NetrunError for what is wrong with either; what verification finds is in the report.
 */
export async function convert(
  prototxt: string,
  weights: Uint8Array | readonly Uint8Array[],
  options: BrowserConvertOptions = {},
): Promise<BrowserConverted> {
  const files = weights instanceof Uint8Array ? [weights] : weights;
  const stored = files.map((bytes, i) => {
    const { layers } = decodeWeights(bytes, `weights ${i}`);
    return new Map(layers.map(({ name, blobs }) => [name, blobs]));
  });
  const { model, externalData, report } = await convertNet(textOf(prototxt), stored, options);
  if (externalData) throw new NetrunError("the model has more than the 2 GB that one file holds: convert it with Node");
  return { model, report };
}

/** A path is for Node; a prototxt that says anything has a line break, a brace or a value. */
function textOf(prototxt: string): string {
  if (/[\n{:]/.test(prototxt)) return prototxt;
  throw new NetrunError(`"${prototxt}" is no prototxt's text`, { notes: ["fetch the file and give what is in it"] });
}

/** Opens an ONNX model in onnxruntime-web, from its bytes. Throws NetrunError where it is none, or has an op that is not there. */
export const openModel = (model: Uint8Array): Promise<ModelFile> => openModelFile(model);
