import { notesOnCounts, type StoredBlob, type StoredWeights } from "../caffe/stored.js";
import { readWeights } from "../caffe/weights.js";
import { NetrunError, nearest } from "../error.js";
import { count, sameShape } from "../graph/index.js";
import { fill } from "../layers/fillers.js";
import { byFiller, type ParameterBlob } from "../net/parameters.js";
import { random } from "../random.js";

/** Match of weights files and the net's layers. */
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

/** Options to gather weights. */
export interface GatherOptions {
  readonly allowMissing?: boolean | undefined;
  /** The weights files, for messages. */
  readonly file?: string | undefined;
  /** Shapes of parameters by key as the prototxt has them, where inputs of other sizes change some. */
  readonly asRead?: ReadonlyMap<string, readonly number[]>;
}

/**
 * The weights of a net's parameters. Throws NetrunError, listing all of them, for layers that are missing or have other shapes
 * than the net, unless that is allowed: then fillers fill them.
 */
export function gatherWeights(
  parameters: readonly ParameterBlob[],
  stored: StoredWeights,
  options: GatherOptions,
): GatheredWeights {
  const values = new Map<string, Float32Array>();
  const missing = new Set<string>();
  const misshapen = otherCounts(parameters, stored);
  const without = new Set(misshapen.keys());
  const resized = new Set<string>();
  const note = (layer: string, text: string) => misshapen.set(layer, [...(misshapen.get(layer) ?? []), text]);
  parameters.forEach((parameter, i) => {
    const { key, spec, users, layer, index } = parameter;
    // A shared blob may be stored with any of its layers.
    const found = users.flatMap((user) => stored.get(user.layer)?.[user.index] ?? [])[0];
    if (found && fits(found, spec.shape)) {
      values.set(key, found.data);
      return;
    }
    without.add(layer);
    if (options.allowMissing)
      values.set(
        key,
        byFiller(parameter, (filler) => fill(filler, spec.shape, random(1, i))),
      );
    if (!found) {
      if (!misshapen.has(layer)) missing.add(layer);
      return;
    }
    note(layer, `blob ${index} of layer "${layer}" is [${found.shape}], the net has [${spec.shape}]`);
    if (fits(found, options.asRead?.get(key) ?? spec.shape)) resized.add(layer);
  });
  const used = new Set(parameters.flatMap(({ users }) => users.map(({ layer }) => layer)));
  const extra = [...stored.keys()].filter((layer) => !used.has(layer));
  const texts = [...misshapen.values()].flat();
  if (without.size > 0 && !options.allowMissing) {
    const [first] = without;
    const what =
      without.size === 1 ? `layer "${first}" does not get its` : `${without.size} layers of the net do not get their`;
    throw new NetrunError(`${what} weights`, {
      file: options.file,
      notes: [
        ...[...missing].map((layer) => missingNote(layer, extra)),
        ...texts,
        ...[...resized].map((layer) => `layer "${layer}" has weights for the prototxt's input size only`),
        ...(extra.length > 0 ? [`layers that only the file has: ${extra.join(", ")}`] : []),
        "--allow-missing fills missing and misshapen layers by their fillers",
      ],
    });
  }
  return { values, missing: [...missing], misshapen: texts, extra };
}

/** Layers that the files have with another number of blobs than the net, which Caffe refuses too: a bias would go unused, say. */
function otherCounts(parameters: readonly ParameterBlob[], stored: StoredWeights): Map<string, readonly string[]> {
  const counts = new Map<string, number>();
  for (const { layer, index } of parameters.flatMap(({ users }) => users))
    counts.set(layer, Math.max(counts.get(layer) ?? 0, index + 1));
  const texts = new Map<string, readonly string[]>();
  for (const [layer, count] of counts) {
    const found = stored.get(layer)?.length ?? 0;
    if (found > 0 && found !== count)
      texts.set(layer, [
        `layer "${layer}" has ${count} blobs, in the file it has ${found}`,
        ...notesOnCounts(count, found),
      ]);
  }
  return texts;
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
