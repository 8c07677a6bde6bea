import { filterNet } from "../caffe/filter.js";
import { amend, create, has } from "../caffe/message.js";
import { type LayerParameter, type NetParameter, Phase } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { bringsData, dataOf, factsOf, inputFor, type PredictionLayer, registeredTypes } from "../layers/index.js";
import { type ImpliedShapes, impliedShapes, otherTops } from "../net/implied-shapes.js";
import { lower } from "../net/lower.js";
import { spanOf } from "../text/notes.js";

/** The layers of a net that a converted file computes, and the shapes of its inputs as the prototxt says them. */
export interface InferenceNet {
  readonly name: string;
  readonly layers: readonly LayerParameter[];
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Blobs that Silence layers swallow: no outputs. */
  readonly silenced: ReadonlySet<string>;
  /** Blobs that losses and scores only compare with: no outputs where nothing trained is in them. */
  readonly targets: ReadonlySet<string>;
}

/** Request for a net beside its prototxt. */
export interface InferenceNetOptions {
  /** Shapes of inputs by blob name, in place of what the prototxt says. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  readonly level?: number;
  readonly stages?: readonly string[];
  /** The net's file: a deploy net beside it may tell shapes that it leaves open. */
  readonly path?: string | undefined;
}

/** Role of a layer type in a converted file. */
export function conversionOf(type: string): "yes" | "input" | "prediction" | "left out" {
  const { data, inference } = factsOf(create("LayerParameter", { type, bottom: [""] }));
  // Fillers' blobs are given to a file too.
  if (data) return "input";
  return inference?.as === "nothing" ? "left out" : inference?.as === "prediction" ? "prediction" : "yes";
}

/**
 * The TEST-phase net as inference needs it: data layers are inputs, losses their predictions, scores are gone. Where the TEST phase
 * has no data layer for a blob, another phase's or stage's stands for it.
 * A data layer's shape is [batch_size, 3, crop_size, crop_size] as far as its parameters tell it, or that of the same blob in another
 * phase or in a deploy net beside the file.
 * Throws NetrunError for a data layer whose shape is neither there nor given.
 */
export function inferenceNet(net: NetParameter, options: InferenceNetOptions = {}): InferenceNet {
  const { level = 0, stages = [] } = options;
  const filtered = filterNet(net, create("NetState", { phase: Phase.TEST, level, stage: stages }));
  const shapes = new Map(Object.entries(options.shapes ?? {}));
  const computing = withoutOrphans(
    withoutTargets(
      filtered.layer.flatMap((layer) => inferring(layer, filtered.layer)),
      filtered.layer,
    ),
    filtered.layer,
  );
  const silenced = new Set(filtered.layer.flatMap((layer) => (factsOf(layer).silences ? layer.bottom : [])));
  const comparing = filtered.layer.filter((layer) => isLoss(layer) || factsOf(layer).score);
  const targets = new Set(comparing.flatMap(({ bottom }) => bottom.slice(1)));
  for (const { bottom } of comparing) targets.delete(bottom[0]!);
  const data = dataLayers(net, filtered, computing);
  for (const layer of data) firstShapes(layer, shapes, impliedShapes(layer, net, options.path, shapes));
  readShapes(data, computing, shapes);
  const taken = new Set(computing.flatMap(({ bottom }) => bottom));
  const isRead = ({ top }: LayerParameter) => shapes.has(top[0] ?? "") || top.some((blob) => taken.has(blob));
  const inputs = data.filter(isRead).map((layer) => inputLayer(layer, shapes));
  return { name: filtered.name, layers: [...inputs, ...computing], shapes, silenced, targets };
}

/** Tests whether a prediction stands for a layer in inference. */
export const isLoss = (layer: LayerParameter) => factsOf(layer).inference?.as === "prediction";

/** Replacement of a layer in inference, beside inputs. */
function inferring(layer: LayerParameter, all: readonly LayerParameter[]): readonly LayerParameter[] {
  // What gives nothing on, and does what only its own program knows, has no place in a file.
  if (bringsData(layer) || layer.top.length === 0) return [];
  const { inference } = factsOf(layer);
  switch (inference?.as) {
    case undefined:
      return [layer];
    case "nothing":
      return [];
    case "prediction":
      return prediction(layer, inference.layer, all);
    case "layer":
      return [inference.of(layer)];
  }
}

/** The layers without those that make targets for losses: their tops some layer of all took, and nobody takes now. */
function withoutTargets(layers: readonly LayerParameter[], all: readonly LayerParameter[]): readonly LayerParameter[] {
  const before = new Set(all.flatMap(({ bottom }) => bottom));
  const taken = new Set(layers.flatMap(({ bottom }) => bottom));
  const isTarget = (layer: LayerParameter) =>
    factsOf(layer).makesTargets === true &&
    layer.top.some((name) => before.has(name)) &&
    !layer.top.some((name) => taken.has(name));
  return layers.filter((layer) => !isTarget(layer));
}

/** The layers without those that read only the tops of omitted layers, such as targets of training. */
function withoutOrphans(layers: readonly LayerParameter[], all: readonly LayerParameter[]): readonly LayerParameter[] {
  const before = new Set(all.flatMap(({ top }) => top));
  const made = new Set([...all.filter(bringsData), ...layers].flatMap(({ top }) => top));
  const kept = layers.filter(({ bottom }) => bottom.every((name) => made.has(name) || !before.has(name)));
  return kept.length === layers.length ? kept : withoutOrphans(kept, all);
}

/** The data layers of the TEST phase, and the first elsewhere for what would be missing. */
function dataLayers(
  net: NetParameter,
  filtered: NetParameter,
  computing: readonly LayerParameter[],
): readonly LayerParameter[] {
  const chosen = filtered.layer.filter(bringsData);
  const made = new Set([...chosen, ...computing].flatMap(({ top }) => top));
  const needed = computing.flatMap(({ bottom }) => bottom).filter((name) => !made.has(name));
  for (const layer of net.layer.filter(bringsData)) {
    if (!layer.top.some((top) => needed.includes(top) && !made.has(top))) continue;
    chosen.push(layer);
    for (const top of layer.top) made.add(top);
  }
  return chosen;
}

/** Adds shapes that the net implies for a data layer's tops, as `impliedShapes` finds them. */
function firstShapes(layer: LayerParameter, shapes: Map<string, readonly number[]>, implied: ImpliedShapes): void {
  const batch = Math.max(1, dataOf(layer)!.batchSize?.(layer) ?? 1);
  for (const top of layer.top) {
    const [rows = batch, ...row] = implied.shapes.get(top) ?? [];
    if (!shapes.has(top) && implied.shapes.has(top)) shapes.set(top, [Math.max(1, rows), ...row]);
  }
}

/** Adds shapes that the layers which read data imply for it: regions, sizes of images ... Labels are left to the data layer. */
function readShapes(
  data: readonly LayerParameter[],
  computing: readonly LayerParameter[],
  shapes: Map<string, readonly number[]>,
): void {
  const tops = new Set(data.flatMap(({ top }) => top));
  if ([...tops].every((top) => shapes.has(top))) return;
  const layers = [...data.map((layer) => inputFor([layer])), ...computing];
  for (let found = 1; found > 0; ) {
    found = 0;
    const options = { phase: "TEST", types: registeredTypes(), shapes, onUnsupported: () => {} } as const;
    for (const [name, shape] of lower(layers, options).implied) {
      if (!tops.has(name) || shapes.has(name)) continue;
      shapes.set(name, shape);
      found++;
    }
  }
}

/** An Input layer for a data layer: data from batch and crop sizes, labels one each, unless their shapes are given. */
function inputLayer(layer: LayerParameter, shapes: Map<string, readonly number[]>): LayerParameter {
  const [first] = layer.top as [string, ...string[]];
  if (!shapes.has(first)) {
    throw new NetrunError(`layer "${layer.name}": the shape of "${first}" is not in the prototxt`, {
      span: spanOf(layer),
      notes: [`give it: --shape ${first}=1,3,224,224 (in the API shapes: { "${first}": [1, 3, 224, 224] })`],
    });
  }
  for (const [top, shape] of otherTops(layer, shapes.get(first)!)) if (!shapes.has(top)) shapes.set(top, shape);
  return inputFor([layer], (top) => shapes.get(top)!);
}

/** The layer that stands for a loss, under the loss's name and first top. */
function prediction(
  loss: LayerParameter,
  kind: PredictionLayer | undefined,
  layers: readonly LayerParameter[],
): readonly LayerParameter[] {
  const scores = loss.bottom[0]!;
  // The same prediction may be in the net already, as a TEST-phase layer of its own.
  const there = layers.some((layer) => layer !== loss && layer.type === kind?.type && layer.bottom[0] === scores);
  if (!kind || there) return [];
  const top = [loss.top[0] ?? loss.name];
  const bare = { bottom: [scores], top, loss_weight: [], propagate_down: [], include: [], exclude: [] };
  const param = kind.param && has(loss, kind.param) ? { [kind.param]: loss[kind.param] } : {};
  return [amend(create("LayerParameter", { name: loss.name, type: kind.type, ...param }), bare)];
}
