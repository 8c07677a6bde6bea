export { convert } from "./convert.js";
export type { Converted, ConvertOptions, ConvertReport, Difference, WeightsSource } from "./options.js";
export { type ImportOptions, importWeights } from "./import.js";
