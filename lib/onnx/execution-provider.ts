import type { InferenceSession } from "onnxruntime-node";
import type { Provider } from "./device.js";

/** A provider's device as onnxruntime takes it. Its JavaScript interface passes on no other options of these providers. */
export function executionProvider(provider: Provider, device: number): InferenceSession.ExecutionProviderConfig {
  if (provider === "cuda") return { name: "cuda", deviceId: device };
  // NCHW: the WebGPU provider's default layout computes some convolutions wrongly.
  if (provider === "webgpu") return { name: "webgpu", preferredLayout: "NCHW" };
  return provider;
}
