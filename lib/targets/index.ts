export * from "./inference/index.js";
export { nodePass, portable } from "./portable.js";
export { type Become, formulate, formulated, type NamedGraph, type Outputs, type Pass, type Target } from "./target.js";
