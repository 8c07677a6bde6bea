import { float32, input } from "../graph/index.js";
import { add } from "../ops/index.js";
import { emit } from "./emit.js";
import { native } from "./native.js";
import { onnxruntime } from "./onnxruntime.js";

/**
 * Error of onnxruntime-node 1.30 for an output that is no tensor, before it copies any output: it copies every output into a new
 * buffer, also those that have been written into a given one.
 */
const NOT_COPIED = "Non tensor type is temporarily not supported.";

/** Tests whether a run ended as one does whose outputs have been written where they were to be. */
export const isWritten = (error: unknown): boolean => error instanceof Error && error.message === NOT_COPIED;

/** The outcome of a trial: undefined where outputs were written in place, else what happened. */
export type InPlaceTrial = () => Promise<string | undefined>;

/** A check that makes its trial once, and warns in a line where it fails. */
export function inPlaceCheck(trial: InPlaceTrial, warn: (line: string) => void): () => Promise<boolean> {
  let checking: Promise<boolean> | undefined;
  const check = async () => {
    const other = await trial();
    if (other !== undefined)
      warn(`onnxruntime does not write outputs in place (${other}): they are copied, which is slower`);
    return other === undefined;
  };
  return () => {
    checking ??= check();
    return checking;
  };
}

/** Tests whether this onnxruntime writes outputs into given buffers and leaves it at that. Tried once in a thread. */
export const writesInPlace = inPlaceCheck(trial, (line) => process.emitWarning(line));

async function trial(): Promise<string | undefined> {
  const ort = await onnxruntime();
  const x = input("x", float32([2]));
  const model = emit({ name: "trial", outputs: new Map([["y", add(x, x)]]) }, { inPlaceOutputs: true });
  const session = await native(() =>
    ort.InferenceSession.create(model.bytes, { logSeverityLevel: 4, intraOpNumThreads: 1 }),
  );
  const y = new Float32Array(2);
  try {
    const feeds = { x: new ort.Tensor("float32", Float32Array.of(1, 2), [2]) };
    await native(() => session.run(feeds, { [model.marker!]: null, y: new ort.Tensor("float32", y, [2]) }));
    return "a run gave an output that is no tensor";
  } catch (error) {
    if (!isWritten(error)) return (error as Error).message;
    return y[0] === 2 && y[1] === 4 ? undefined : "given buffers were not written";
  } finally {
    await native(() => session.release());
  }
}
