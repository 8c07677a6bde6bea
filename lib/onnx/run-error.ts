import { NetrunError } from "../error.js";

/**
 * A failed run, in the user's words where it is the data's fault: an index out of range (a label, an Embed layer's input).
 * Nodes are named after their layers.
 */
export function runError(cause: unknown): unknown {
  const message = cause instanceof Error ? cause.message : "";
  if (NO_ROOM.test(message)) return noRoom(message, cause);
  const node = /while running \w+ node\. Name:'(.*?)(?:\/grad)?\/\w+'/.exec(message);
  const range = /idx=(-?\d+) must be within the inclusive range \[-?\d+ ?, ?(\d+)\]/.exec(message);
  if (!node || !(range || message.includes("Out of range value in index tensor"))) return cause;
  const [index, last] = [Number(range?.[1]), Number(range?.[2])];
  // Layers move negative indices below the range that ONNX would count from the end.
  const given = index < 0 ? index + last + 1 : index;
  const what = range ? `index ${given} in its data is not in [0, ${last}]` : "an index in its data is out of range";
  return new NetrunError(`layer "${node[1]}": ${what}`, {
    notes: ["indices are labels, or what Embed and BatchReindex layers look up"],
    cause,
  });
}

/** Message of onnxruntime where memory, or its own measure of a tensor, has no room for a value. */
const NO_ROOM = /Failed to allocate memory|bad_alloc|exceeds the supported maximum/;

function noRoom(message: string, cause: unknown): NetrunError {
  const [, layer] = /Name:'(.*?)(?:\/grad)?\/\w+'/.exec(message) ?? [];
  const [, why] = /((?:Failed to allocate|[^.:]*exceeds the supported).*)/.exec(message) ?? [];
  return new NetrunError(`${layer === undefined ? "" : `layer "${layer}": `}there is not enough memory to compute it`, {
    notes: [...(why === undefined ? [] : [inOneLine(why)]), "smaller batches or smaller inputs take less"],
    cause,
  });
}

/** onnxruntime's reason in one line, without the place in its source and the condition there. */
export const inOneLine = (message: string): string =>
  message
    .replace(/^\/\S+:\d+ .* was false\. /s, "")
    .replace(/\s+/g, " ")
    .trim();
