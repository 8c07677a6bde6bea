import { workerData } from "node:worker_threads";
import { shareNative } from "../../onnx/native.js";

// Imported before everything else, so that loading onnxruntime counts as being inside it.
shareNative((workerData as { readonly native: Int32Array }).native);
