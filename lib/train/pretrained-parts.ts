import { existsSync, readFileSync, rmSync } from "node:fs";
import * as v from "valibot";
import { NetrunError } from "../error.js";
import { writeWhole } from "../file.js";
import type { PretrainedBlobs } from "../layers/pretraining.js";

/** Scores of a layer in its pretraining. */
export interface PretrainScores {
  /** The mean over the batch of what is minimised: of an RBM the gap of free energy between data and samples. */
  readonly loss: number;
  /** Mean squared error of the reconstruction, per unit. */
  readonly reconstructionError: number;
  /** Mean free energy of the batch, of an RBM. */
  readonly freeEnergy?: number | undefined;
}

/** A layer whose pretraining is over. */
export interface PretrainedPart {
  readonly blobs: PretrainedBlobs;
  readonly first: PretrainScores;
  readonly last: PretrainScores;
}

const floats = v.pipe(
  v.string(),
  v.base64(),
  v.transform((text) => {
    const bytes = Buffer.from(text, "base64");
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  }),
);
const scores = v.object({ loss: v.number(), reconstructionError: v.number(), freeEnergy: v.optional(v.number()) });
const part = v.object({
  blobs: v.object({ weights: floats, hiddenBias: floats, visibleBias: floats }),
  first: scores,
  last: scores,
});
const stored = v.object({ version: v.literal(1), key: v.string(), layers: v.record(v.string(), part) });

/**
 * Layers that are done of a pretraining whose output is a file, in OUTPUT.part beside it, so that a pretraining that was killed goes
 * on with the layer that it was at. The file of another one, or of other settings, is written over.
 */
export class PretrainedParts {
  readonly #path: string | undefined;
  readonly #key: string | undefined;
  readonly #layers = new Map<string, PretrainedPart>();

  /** `key` is all that the weights depend on; without it nothing is kept. Throws NetrunError for a damaged file. */
  constructor(output: string | undefined, key: string | undefined) {
    this.#path = output === undefined || key === undefined ? undefined : `${output}.part`;
    this.#key = key;
    if (this.#path === undefined || !existsSync(this.#path)) return;
    const found = read(this.#path);
    if (found.key === key) for (const [name, each] of Object.entries(found.layers)) this.#layers.set(name, each);
  }

  /** A layer that is done, of these sizes. */
  get(layer: string, hidden: number, visible: number): PretrainedPart | undefined {
    const found = this.#layers.get(layer);
    const { weights, hiddenBias, visibleBias } = found?.blobs ?? {};
    const isWhole = weights?.length === hidden * visible && hiddenBias?.length === hidden;
    return isWhole && visibleBias?.length === visible ? found : undefined;
  }

  async add(layer: string, done: PretrainedPart): Promise<void> {
    this.#layers.set(layer, done);
    if (this.#path === undefined) return;
    const layers = Object.fromEntries([...this.#layers].map(([name, each]) => [name, asText(each)]));
    await writeWhole(this.#path, JSON.stringify({ version: 1, key: this.#key, layers }));
  }

  /** Removes the file: the output is written. */
  finish(): void {
    if (this.#path !== undefined) rmSync(this.#path, { force: true });
  }
}

function read(path: string) {
  try {
    return v.parse(stored, JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new NetrunError("damaged: it holds no layers of a pretraining", { file: path, cause, notes: ["delete it"] });
  }
}

function asText({ blobs: { weights, hiddenBias, visibleBias }, first, last }: PretrainedPart) {
  const text = ({ buffer, byteOffset, byteLength }: Float32Array) =>
    Buffer.from(buffer, byteOffset, byteLength).toString("base64");
  return {
    blobs: { weights: text(weights), hiddenBias: text(hiddenBias), visibleBias: text(visibleBias) },
    ...{ first, last },
  };
}
