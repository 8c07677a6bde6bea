export type { Dim } from "../schema.js";
export { type Files, type Probe, type WriteOptions, type Written, write } from "./model.js";
export { OPSETS } from "./opset.js";
export { NotFree } from "./scope.js";
