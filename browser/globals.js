// What modules that Node runs find in its globals, as far as they use it where they convert and run.
export { Buffer } from "buffer/index.js";
export const process = {
  env: {},
  platform: "browser",
  versions: {},
  argv: [],
  on() {},
  constrainedMemory: () => 0,
  // One there is: onnxruntime-web copies outputs where onnxruntime-node writes them in place.
  emitWarning() {},
};
