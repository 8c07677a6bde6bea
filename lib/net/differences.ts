import type { LayerParameter } from "../caffe/messages.js";
import type { NetrunError } from "../error.js";
import type { Differs } from "../layers/index.js";
import { spanOf } from "../text/notes.js";
import { layerError } from "./checks.js";
import { type BlobVersion, isInPlace, type MemoryOptions, memoryOf, passesTo, type Use } from "./memory.js";
import { overwriting } from "./overwriting.js";

/** A place where Caffe's reuse of memory gives other numbers than its formulas, which netrun follows. */
export interface CaffeDifference {
  readonly differs: Differs;
  /** Message, at the layer. */
  readonly warning: NetrunError;
}

export interface DifferenceOptions extends MemoryOptions {
  /** True if Caffe's numbers are given where netrun can. */
  readonly caffeQuirks: boolean;
}

/** Places where Caffe gives other numbers for a net than netrun, in the order of its layers; docs/caffe-differences.md lists the kinds. */
export function differencesFromCaffe(
  layers: readonly LayerParameter[],
  options: DifferenceOptions,
): readonly CaffeDifference[] {
  const { uses, stale } = memoryOf(layers, options);
  const staleBy = new Map(stale.toReversed().map(({ reader, change }) => [change, reader]));
  const told = new Set<Use>(staleBy.keys());
  return uses.flatMap((use) => {
    const reader = staleBy.get(use);
    const found = reader ? staleValues(use, reader) : ownInPlace(use, options);
    return [found, lostGradient(use), strayGradient(use, options), overwritten(use, options, told)].filter(
      (each) => each !== undefined,
    );
  });
}

const OWN_NAME = "give the top a name of its own, and both compute the same";
const LISTED = "docs/caffe-differences.md lists what Caffe gives";

function difference(use: Use, differs: Differs, what: string, field: "top" | "bottom", note: string): CaffeDifference {
  const where = spanOf(use.layer, field, 0) ?? spanOf(use.layer);
  return { differs, warning: layerError(use.layer, what, where, [note, LISTED]) };
}

/** A layer whose computation in place is another than its formula's. */
function ownInPlace(use: Use, { caffeQuirks }: DifferenceOptions): CaffeDifference | undefined {
  const { inPlace } = use.caffe;
  if (!inPlace || !isInPlace(use.layer, 0) || (inPlace.mended && caffeQuirks)) return undefined;
  if (inPlace.differs === "gradients" && !(use.learning && use.underLoss)) return undefined;
  const what = inPlace.differs === "values" ? "values are" : "gradient is";
  const quirk = inPlace.mended ? "; --caffe-quirks (in the API caffeQuirks: true) gives Caffe's gradient" : "";
  const told = `in place, Caffe's ${what} not that of its formula, which netrun follows: ${inPlace.gives}`;
  return difference(use, inPlace.differs, told, "top", OWN_NAME + quirk);
}

/** A layer in place on memory that a layer below runs on as if it were unchanged. */
function staleValues(use: Use, reader: Use): CaffeDifference {
  const told = `it changes "${use.layer.top[0]}" in place, whose memory in Caffe is also that of a bottom of layer "${reader.layer.name}" below, which then runs on the changed values; netrun keeps them`;
  return difference(use, "values", told, "top", OWN_NAME);
}

/** A layer in place on memory that the backward of a layer before it reads; each is told once. */
function overwritten(use: Use, options: DifferenceOptions, told: Set<Use>): CaffeDifference | undefined {
  const { layer, caffe, bottoms, tops } = use;
  if (!use.learning || !use.underLoss) return undefined;
  const found = tops.map(({ memory, age }) => overwriting(memory, age, age, caffe.readsTop ?? "nothing"));
  bottoms.forEach(({ memory, age }, index) => {
    const inPlace = isInPlace(layer, index);
    // In place a layer has its own difference, or keeps what it needs, unless it reads the memory of the top instead.
    if (inPlace && caffe.inPlace && !(caffe.inPlace.mended && options.caffeQuirks)) return;
    const reads = caffe.readsBottom ?? (inPlace ? "nothing" : "values");
    found.push(overwriting(memory, age, inPlace ? age + 1 : age, reads));
  });
  const change = found.find((each) => each !== undefined);
  if (!change || told.has(change)) return undefined;
  told.add(change);
  const what = `it changes "${change.layer.top[0]}" in place, of which the gradient of layer "${layer.name}" in Caffe reads what was there before; netrun keeps it`;
  return difference(change, "gradients", what, "top", OWN_NAME);
}

/** A gradient that Caffe writes elsewhere than where the layer below reads it. */
function lostGradient(use: Use): CaffeDifference | undefined {
  const [bottom] = use.bottoms;
  const below = bottom?.origin;
  if (!use.caffe.rebindsGradient || !use.underLoss || !bottom || !below) return undefined;
  if (!below.caffe.tiesGradient || !below.learning || bottom.readers.length > 1 || bottom.isLoss) return undefined;
  const told = `behind layer "${below.layer.name}", Caffe loses the gradient of "${use.layer.bottom[0]}": the layers below are not trained by it; in netrun they are`;
  return difference(use, "gradients", told, "bottom", "without this layer, or that one, both compute the same");
}

/** A gradient that Caffe leaves at a bottom to which there is none, where it is added to that of other layers. */
function strayGradient(use: Use, options: DifferenceOptions): CaffeDifference | undefined {
  const { layer, caffe, learning, underLoss } = use;
  const [bottom] = use.bottoms;
  const isStopped = layer.propagate_down.length > 0 && !layer.propagate_down[0];
  const ignoresStop = isStopped && underLoss && caffe.ignoresPropagateDown === true;
  if (!ignoresStop && caffe.leavesInGradient === undefined) return undefined;
  if (!bottom || options.forceBackward || !learning || !isAdded(use, bottom, options)) return undefined;
  const name = layer.bottom[0];
  if (ignoresStop) {
    const told = `Caffe's layer does not look at propagate_down: false and adds its gradient to that of "${name}"; netrun stops it`;
    return difference(use, "gradients", told, "bottom", "without propagate_down both compute the same");
  }
  if (caffe.leavesInGradient === undefined || (underLoss && !isStopped)) return undefined;
  const told = `without a gradient of its own, Caffe adds ${caffe.leavesInGradient}, to that of "${name}"; netrun does not`;
  return difference(use, "gradients", told, "bottom", "give it a loss_weight, or remove it from training");
}

/** Tests whether what lies in a bottom's gradient is summed with that of other layers, or goes on beside theirs. */
function isAdded(use: Use, bottom: BlobVersion, options: DifferenceOptions): boolean {
  const { origin, isLoss } = bottom;
  if (!origin?.learning) return false;
  if (isLoss || passingReaders(bottom, options).some((reader) => reader !== use)) return true;
  return origin.tops.length > 1 && origin.tops.some((top) => top !== bottom && top.underLoss);
}

/** Versions live as long as the analysis of their net. */
const passing = new WeakMap<BlobVersion, readonly Use[]>();

/** Different layers that give a blob a gradient, found once: thousands of layers may read one blob. */
function passingReaders(version: BlobVersion, options: DifferenceOptions): readonly Use[] {
  const known = passing.get(version);
  if (known) return known;
  const readers = version.readers.filter(({ use, index }) => use.underLoss && passesTo(use, index, options));
  const uses = [...new Set(readers.map(({ use }) => use))];
  passing.set(version, uses);
  return uses;
}
