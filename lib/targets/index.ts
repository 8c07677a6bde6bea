export * from "./inference/index.js";
export { nodePass, portable } from "./portable.js";
export {
  type Become,
  formulate,
  formulated,
  type GraphOutputs,
  type NamedGraph,
  type Pass,
  type Target,
} from "./target.js";
