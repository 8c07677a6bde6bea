export { FoldedWeights } from "./folded-weights.js";
export { quantizedPlaces } from "./int8/places.js";
export { type Calibration, keysOf } from "./int8/quantize.js";
export { Weights8 } from "./int8/weights.js";
export { type InferenceContext, type InferenceForm, inference, standardInference } from "./target.js";
