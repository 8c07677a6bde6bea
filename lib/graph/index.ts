export * from "./empty.js";
export * from "./half.js";
export * from "./leaf.js";
export * from "./print.js";
export * from "./rewrite.js";
export * from "./type.js";
export * from "./value.js";
export * from "./walk.js";
