export { nodePass, portable } from "./portable.js";
export { formulated, type Outputs, type Pass, type Target } from "./target.js";
