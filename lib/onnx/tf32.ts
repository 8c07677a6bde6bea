import { NetrunError } from "../error.js";
import type { Provider } from "./device.js";

/** Environment variable that CUDA's libraries read when they are loaded: 0 keeps them from rounding to TF32. */
const VARIABLE = "NVIDIA_TF32_OVERRIDE";

/**
 * Says whether matrix products and convolutions on CUDA may round their inputs to TF32, 10 bits of fraction in place of 23: faster, and
 * further from Caffe's numbers. It holds for the whole process from the first session on CUDA on, and is set before. Throws NetrunError
 * where another provider is to allow it.
 */
export function chooseTf32(provider: Provider, allowed: boolean | undefined): void {
  if (provider === "cuda") {
    if (allowed) delete process.env[VARIABLE];
    else process.env[VARIABLE] = "0";
  } else if (allowed) {
    throw new NetrunError(`tf32 has no effect on the provider ${provider}`, {
      notes: ["it is CUDA's: --provider cuda --tf32"],
    });
  }
}
