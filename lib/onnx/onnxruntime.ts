import type * as Onnxruntime from "onnxruntime-node";
import { native } from "./native.js";
import { turnOffTelemetry } from "./telemetry.js";

let loading: Promise<typeof Onnxruntime> | undefined;

/**
 * The library that runs models, loaded by the first call in this thread. Everything takes it from here: it must not load before
 * its telemetry is off. Throws NetrunError where that cannot be turned off.
 */
export function onnxruntime(): Promise<typeof Onnxruntime> {
  loading ??= native(async () => {
    await turnOffTelemetry();
    const library = await import("onnxruntime-node");
    // Errors are thrown; that a provider's library is missing would be written to stderr as well.
    library.env.logLevel = "fatal";
    return library;
  });
  return loading;
}
