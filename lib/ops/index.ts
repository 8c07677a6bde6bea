export * from "./conv.js";
export * from "./elementwise.js";
export * from "./indexing.js";
export * from "./linear.js";
export * from "./pool.js";
export * from "./reduce.js";
export * from "./shape.js";
export * from "./softmax.js";
