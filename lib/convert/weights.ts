import type { StoredBlob, StoredWeights } from "../caffe/stored.js";
import { readWeights } from "../caffe/weights.js";
import { NetrunError, nearest } from "../error.js";
import { count, sameShape } from "../graph/index.js";
import { fill } from "../layers/fillers.js";
import type { Parameter } from "../net/parameters.js";
import { random } from "../random.js";

/** How the weights files and the net's layers went together. */
export interface WeightsReport {
  /** Layers of the net that no file has; their fillers filled them. */
  readonly missing: readonly string[];
  /** Blobs that the files have in other shapes than the net, as texts; their fillers filled them. */
  readonly misshapen: readonly string[];
  /** Layers of the files that the net does not have. */
  readonly extra: readonly string[];
}

/** Weights by parameter key. */
export interface GatheredWeights extends WeightsReport {
  readonly values: ReadonlyMap<string, Float32Array>;
}

/** Reads weights files in order, later ones before earlier ones. */
export async function readAllWeights(sources: readonly (string | StoredWeights)[]): Promise<StoredWeights> {
  const all = new Map<string, readonly StoredBlob[]>();
  for (const source of sources) {
    const stored = typeof source === "string" ? await readWeights(source) : source;
    for (const [layer, blobs] of stored) all.set(layer, blobs);
  }
  return all;
}

/**
 * The weights of a net's parameters. Throws NetrunError, listing all of them, for layers that are missing or have other shapes
 * than the net, unless that is allowed: then fillers fill them.
 */
export function gatherWeights(
  parameters: readonly Parameter[],
  stored: StoredWeights,
  options: { readonly allowMissing?: boolean | undefined; readonly file?: string | undefined },
): GatheredWeights {
  const values = new Map<string, Float32Array>();
  const missing = new Set<string>();
  const misshapen: string[] = [];
  parameters.forEach((parameter, i) => {
    const filled = () => fill(spec.filler, spec.shape, random(1, i));
    const { key, spec, users } = parameter;
    // A shared blob may be stored with any of its layers.
    const found = users.flatMap(({ layer, index }) => stored.get(layer)?.[index] ?? [])[0];
    if (!found) {
      missing.add(parameter.layer);
      if (options.allowMissing) values.set(key, filled());
    } else if (!fits(found, spec.shape)) {
      misshapen.push(
        `blob ${parameter.index} of layer "${parameter.layer}" is [${found.shape}], the net has [${spec.shape}]`,
      );
      if (options.allowMissing) values.set(key, filled());
    } else values.set(key, found.data);
  });
  const used = new Set(parameters.flatMap(({ users }) => users.map(({ layer }) => layer)));
  const extra = [...stored.keys()].filter((layer) => !used.has(layer));
  const problems = options.allowMissing
    ? []
    : [...[...missing].map((layer) => missingNote(layer, extra)), ...misshapen];
  if (problems.length > 0) {
    throw new NetrunError(`${problems.length} layers of the net do not get their weights`, {
      file: options.file,
      notes: [
        ...problems,
        ...(extra.length > 0 ? [`layers that only the file has: ${extra.join(", ")}`] : []),
        "--allow-missing fills missing and misshapen layers by their fillers",
      ],
    });
  }
  return { values, missing: [...missing], misshapen, extra };
}

function missingNote(layer: string, others: readonly string[]): string {
  const near = nearest(layer, others);
  return `layer "${layer}" has no weights${near ? `; the file has "${near}"` : ""}`;
}

/** Same shape, or the legacy four dims of files from before blobs had free shapes, or the same count in vectors. */
function fits({ shape }: StoredBlob, wanted: readonly number[]): boolean {
  const bare = (dims: readonly number[]) => dims.filter((dim) => dim !== 1);
  return count(shape) === count(wanted) && (sameShape(shape, wanted) || sameShape(bare(shape), bare(wanted)));
}
