import type { LayerParameter, NetParameter } from "../caffe/messages.js";
import type { Tensor, Tensors } from "../data/tensor.js";
import { NetrunError, nearest } from "../error.js";
import { inputName, sameShape, topological, type Value } from "../graph/index.js";
import type { LoweredNet } from "../net/lower.js";
import type { ModelFile } from "../onnx/file.js";
import { type Bound, Differences } from "./difference.js";
import { isLoss } from "./net.js";
import type { PlainNet } from "./verify.js";

/** Comparison of a blob with what was recorded of it. */
export interface BlobDifference {
  readonly blob: string;
  /** The last layer that makes it. */
  readonly layer: string;
  /** Name of the compared part: a blob inside in the unfolded net, an output in the written file. */
  readonly from: "net" | "file";
  /** Largest difference, and the same as a part of the blob's largest value. */
  readonly absolute: number;
  readonly relative: number;
  readonly within: boolean;
  /** Of a blob that is not within the bound: the first element beyond it. */
  readonly first?: { readonly position: readonly number[]; readonly recorded: number; readonly actual: number };
  /** Of an output that is not within the bound: whether the unfolded net is. */
  readonly netIsWithin?: boolean;
}

/** Result of comparing with recorded blobs. */
export interface Comparison {
  /** In the order of the net's layers. */
  readonly blobs: readonly BlobDifference[];
  /** The first blob that differs; undefined where none does. */
  readonly first: BlobDifference | undefined;
  /** Recorded blobs of the prototxt that the converted net does not have: scores, losses, labels. */
  readonly skipped: readonly string[];
}

/** Subject of a comparison. */
export interface CompareContext {
  /** The whole net of the prototxt, whose blobs may be recorded. */
  readonly message: NetParameter;
  /** Layers of the converted net, and its outputs. */
  readonly layers: readonly LayerParameter[];
  readonly outputs: readonly string[];
  /** Shapes of the net's inputs, for those that are not recorded. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Inputs as the file declares them: numbers, or names of open dims. */
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  /** Tolerance of the file's outputs, where that is looser than for blobs of the net. */
  readonly bound: Bound | undefined;
}

/**
 * Tolerance for an element of a blob: 1e-4 + 1e-3 of itself, which is what other implementations of Caffe's layers come
 * to, and 1e-5 of the blob's largest value, since what cancels out is as wrong as its terms.
 */
const ELEMENT = { absolute: 1e-4, relative: 1e-3, greatest: 1e-5 } as const;

/** Other contents of recorded files: parameters and gradients. */
const OTHER = /^(param|param_after_forward|seed|grad_in|grad_param)\//;

const readRecorded = async (path: string) => (await import("../data/source/recorded/index.js")).readTensors(path);

/**
 * Feeds recorded inputs and compares every recorded blob that the net has: those inside with the unfolded net, outputs with the
 * written file. Names are blobs' names, or `in/BLOB` and `out/BLOB`. Throws NetrunError for names that the prototxt does not have,
 * inputs that are missing, and shapes that are not the net's.
 */
export async function compare(
  recorded: string | Tensors,
  net: PlainNet,
  file: ModelFile,
  context: CompareContext,
): Promise<Comparison> {
  const path = typeof recorded === "string" ? recorded : undefined;
  const tensors = path === undefined ? new Map(Object.entries(recorded as Tensors)) : await readRecorded(path);
  const lowered = net.lower(context.shapes);
  const { inputs, blobs, skipped } = sorted(tensors, lowered, context, path);
  checkInputs(inputs, context, path);
  const names = [...blobs.keys()];
  const files = names.filter((name) => context.outputs.includes(name));
  checkFed(lowered, names, files, file, inputs, path);
  const feeds = Object.fromEntries(inputs);
  const ofNet = names.length > 0 ? await net.run(feeds, names) : {};
  const compared = names.filter((blob) => {
    const [own, { shape }] = [ofNet[blob]!.shape, blobs.get(blob)!];
    if (sameShape(own, shape)) return true;
    // What a loss computed is not what its prediction is.
    if (!isLossTop(blob, context.message))
      throw new NetrunError(`blob "${blob}" is recorded as [${shape}], the net's is [${own}]`, { file: path });
    skipped.push(blob);
    return false;
  });
  if (compared.length === 0) throw nothing(path, context.outputs);
  const ofFile = files.length > 0 ? await file.run(feeds) : {};
  const results = inOrder(compared, context.layers).map(({ blob, layer }) => {
    const wanted = blobs.get(blob)!;
    const own = difference(ofNet[blob]!, wanted);
    if (!files.includes(blob)) return { blob, layer, from: "net", ...own } as const;
    const { bound } = context;
    const ofIt = bound ? loosely(ofFile[blob]!, wanted, bound) : difference(ofFile[blob]!, wanted);
    return { blob, layer, from: "file", ...ofIt, ...(!ofIt.within && { netIsWithin: own.within }) } as const;
  });
  return { blobs: results, first: results.find(({ within }) => !within), skipped };
}

/** Recorded tensors as what they are: inputs to feed, blobs to compare, and those that only the prototxt has. */
function sorted(
  tensors: ReadonlyMap<string, Tensor>,
  { inputs: own, blobs: known }: LoweredNet,
  { message }: CompareContext,
  file: string | undefined,
) {
  const inputs = new Map<string, Tensor>();
  const blobs = new Map<string, Tensor>();
  const skipped: string[] = [];
  const all = new Set([...message.input, ...message.layer.flatMap(({ top, bottom }) => [...top, ...bottom])]);
  for (const [name, tensor] of tensors) {
    const [, kind, inner] = (!all.has(name) && /^(in|out)\/(.*)$/s.exec(name)) || [];
    const blob = inner ?? name;
    const isInput = own.has(blob);
    if (isInput && kind !== "out") inputs.set(blob, tensor);
    else if (isInput && known.get(blob) === own.get(blob)) {
      if (!inputs.has(blob)) inputs.set(blob, tensor);
    } else if (known.has(blob)) blobs.set(blob, tensor);
    else if (all.has(blob)) skipped.push(blob);
    else if (!OTHER.test(name)) {
      const near = nearest(blob, known.keys());
      throw new NetrunError(`the net has no blob "${blob}"`, {
        file,
        notes: [near ? `did you mean "${near}"?` : `there are: ${[...known.keys()].join(", ")}`],
      });
    }
  }
  return { inputs, blobs, skipped };
}

/** Recorded inputs have to be what the file takes. */
function checkInputs(inputs: ReadonlyMap<string, Tensor>, context: CompareContext, file: string | undefined): void {
  for (const [name, { shape }] of inputs) {
    const declared = context.inputs[name];
    const fits = declared?.every((dim, axis) => typeof dim === "string" || dim === shape[axis]);
    if (!declared || (fits && declared.length === shape.length)) continue;
    const isBatch = declared.length === shape.length && declared.slice(1).every((dim, i) => dim === shape[i + 1]);
    throw new NetrunError(`input "${name}" is recorded as [${shape}], the file takes [${declared.join(",")}]`, {
      file,
      notes: isBatch ? [`--batch ${shape[0]} fixes the batch size to the recorded one`] : [],
    });
  }
}

/** Everything that the compared blobs depend on has to be recorded. */
function checkFed(
  net: LoweredNet,
  names: readonly string[],
  outputs: readonly string[],
  file: ModelFile,
  inputs: ReadonlyMap<string, Tensor>,
  path: string | undefined,
): void {
  const reached = topological(names.map((name) => net.blobs.get(name)!)).map(({ outputs: [value] }) => value);
  const needed = new Set(reached.flatMap((value) => (value && isInput(value, net) ? [inputName(value)!] : [])));
  if (outputs.length > 0) for (const { name } of file.inputs) needed.add(name);
  for (const name of needed) {
    if (inputs.has(name)) continue;
    const notes = [`record it under the name "${name}" or "in/${name}"`];
    throw new NetrunError(`input "${name}" is not recorded`, { file: path, notes });
  }
}

const isInput = (value: Value, { inputs }: LoweredNet) => inputs.get(inputName(value) ?? "") === value;

const isLossTop = (blob: string, { layer }: NetParameter) =>
  layer.some((each) => isLoss(each) && (each.top[0] ?? each.name) === blob);

function nothing(file: string | undefined, outputs: readonly string[]): NetrunError {
  return new NetrunError("no recorded blob is one that the net computes", {
    file,
    notes: [`its outputs are ${outputs.join(", ")}`],
  });
}

/** Blobs with the last layers that make them, in the order of those. */
function inOrder(blobs: readonly string[], layers: readonly LayerParameter[]) {
  const found = blobs.map((blob) => ({ blob, at: layers.findLastIndex(({ top }) => top.includes(blob)) }));
  return found.sort((a, b) => a.at - b.at).map(({ blob, at }) => ({ blob, layer: layers[at]?.name ?? "" }));
}

/** A blob against what was recorded, element by element. */
function difference(actual: Tensor, recorded: Tensor) {
  const { data } = recorded;
  const greatest = data.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 0);
  const isFar = (i: number) => {
    const [a, b] = [actual.data[i]!, data[i]!];
    if (Object.is(a, b) || a === b) return false;
    return !(Math.abs(a - b) <= ELEMENT.absolute + ELEMENT.relative * Math.abs(b) + ELEMENT.greatest * greatest);
  };
  return { ...measured(actual, recorded), ...firstOf(actual, recorded, isFar) };
}

/** An output against what was recorded, by the bound of what is less precise; the element with the largest difference. */
function loosely(actual: Tensor, recorded: Tensor, bound: Bound) {
  const { within, ...rest } = measured(actual, recorded, bound);
  if (within) return { ...rest, within };
  return {
    ...rest,
    ...firstOf(actual, recorded, (i) => !(Math.abs(actual.data[i]! - recorded.data[i]!) < rest.absolute)),
  };
}

function measured(actual: Tensor, recorded: Tensor, bound: Bound = { decibels: 0 }) {
  const sum = new Differences("");
  sum.add(actual, recorded);
  const { absolute, relative, within } = sum.result(bound);
  return { absolute, relative, within };
}

/** Tests whether no element is far, and the first that is. */
function firstOf({ shape, data }: Tensor, recorded: Tensor, isFar: (index: number) => boolean) {
  const at = data.findIndex((_, i) => isFar(i));
  if (at < 0) return { within: true };
  const position: number[] = [];
  let rest = at;
  for (const dim of shape.toReversed()) {
    position.unshift(rest % dim);
    rest = Math.floor(rest / dim);
  }
  return { within: false, first: { position, recorded: recorded.data[at]!, actual: data[at]! } };
}
