export type { AccuracyComparison } from "./accuracy.js";
export type { BlobDifference, Comparison } from "./compare.js";
export { convert } from "./convert.js";
export { convertFile, type FileReport } from "./convert-file.js";
export type { Difference } from "./difference.js";
export { type ImportWeightsOptions, importedPieces, importWeights } from "./import.js";
export type { Converted, ConvertOptions, ConvertReport, WeightsSource } from "./options.js";
