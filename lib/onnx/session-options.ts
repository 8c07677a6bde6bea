import type { Device } from "./device.js";

/** How models run: what `chooseSession` makes of a caller's options. Structured-cloneable: it goes to replicas. */
export interface SessionOptions extends Partial<Device> {
  /** Threads inside one op; onnxruntime's own choice (the physical cores) where undefined. */
  readonly threads?: number | undefined;
  /**
   * Whether onnxruntime rewrites the graph for speed and keeps the memory of a run for the next one. Default true; without it a run that
   * comes once starts sooner and takes less memory.
   */
  readonly optimise?: boolean | undefined;
  /** Whether training graphs are standard ONNX alone, without formulations that are faster on this processor, to other last bits. Default false. */
  readonly portable?: boolean | undefined;
  /**
   * Whether a round of training is one run of an ONNX Loop, whose state stays on the device, rather than two runs an iteration.
   * Default: on CUDA, where every run would copy all weights.
   */
  readonly loop?: boolean | undefined;
  /** Path that the name of a profile starts with; the file is whole when the session is closed. */
  readonly profile?: string | undefined;
}

/** How to open a session on a model. */
export interface OpenOptions extends SessionOptions {
  /** Whether the graph runs as it is written, without onnxruntime's rewriting, but else as one that runs often. Default false. */
  readonly asWritten?: boolean | undefined;
}
