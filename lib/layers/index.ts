export * from "./catalog.js";
export * from "./extra-param.js";
export * from "./layer.js";
export * from "./plugins.js";
export * from "./types.js";
