import type { Device } from "./device.js";

/** Session settings: `chooseSession` makes of a caller's options. Structured-cloneable: it goes to replicas. */
export interface SessionOptions extends Partial<Device> {
  /** Threads inside one op; onnxruntime's own choice (the physical cores) where undefined. */
  readonly threads?: number | undefined;
  /**
   * True if onnxruntime rewrites the graph for speed and keeps the memory of a run for the next one. Default true; without it a run that
   * comes once starts sooner and takes less memory.
   */
  readonly optimise?: boolean | undefined;
  /** True if training graphs are standard ONNX alone, without formulations that are faster on this processor, to other last bits. Default false. */
  readonly portable?: boolean | undefined;
  /**
   * True if a round of training is one run of an ONNX Loop, whose state stays on the device, rather than two runs an iteration.
   * Default: on CUDA, where every run would copy all weights.
   */
  readonly loop?: boolean | undefined;
  /** Path that the name of a profile starts with; the file is whole when the session is closed. */
  readonly profile?: string | undefined;
}

/** Options of opening a session on a model. */
export interface OpenOptions extends SessionOptions {
  /** True if the graph runs as it is written, without onnxruntime's rewriting, but else as one that runs often. Default false. */
  readonly asWritten?: boolean | undefined;
}
