export * from "./caffe-memory.js";
export * from "./catalog.js";
export * from "./extra-param.js";
export * from "./facts.js";
export * from "./find-type.js";
export { inputFor } from "./input.js";
export * from "./layer.js";
export * from "./plugins.js";
export * from "./types.js";
