import { filterNet } from "../caffe/filter.js";
import { amend, create, has, sub } from "../caffe/message.js";
import { type LayerParameter, type NetParameter, Phase } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { bringsData, dataOf, inputFor } from "../layers/index.js";
import { spanOf } from "../text/notes.js";

/** The layers of a net that a converted file computes, and the shapes of its inputs as the prototxt says them. */
export interface InferenceNet {
  readonly name: string;
  readonly layers: readonly LayerParameter[];
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Blobs that Silence layers swallow: no outputs. */
  readonly silenced: ReadonlySet<string>;
  /** Blobs that losses and scores only compare with: no outputs where nothing learnt is in them. */
  readonly targets: ReadonlySet<string>;
}

/** What a net is asked for beside its prototxt. */
export interface InferenceNetOptions {
  /** Shapes of inputs by blob name, in place of what the prototxt says. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  readonly level?: number;
  readonly stages?: readonly string[];
}

/** Types that leave nothing behind in an inference net: they only score, write or swallow blobs. */
const DROPPED: readonly string[] = ["Accuracy", "HDF5Output", "Silence", "DetectionEvaluate"];

/** What a loss has as its prediction: a layer on its first bottom, or that bottom itself (null). */
const PREDICTIONS = {
  SoftmaxWithLoss: { type: "Softmax", param: "softmax_param" },
  SigmoidCrossEntropyLoss: { type: "Sigmoid", param: null },
  InfogainLoss: { type: "Softmax", param: "softmax_param" },
  MultinomialLogisticLoss: null,
  EuclideanLoss: null,
  HingeLoss: null,
  ContrastiveLoss: null,
  SmoothL1Loss: null,
  MultiBoxLoss: null,
} as const satisfies Readonly<Record<string, { readonly type: string; readonly param: "softmax_param" | null } | null>>;

/** What becomes of a layer type in a converted file. */
export function conversionOf(type: string): "yes" | "input" | "prediction" | "left out" {
  if (DROPPED.includes(type)) return "left out";
  if (Object.hasOwn(PREDICTIONS, type)) return "prediction";
  // Fillers' blobs are given to a file too.
  return dataOf(create("LayerParameter", { type, bottom: [""] })) ? "input" : "yes";
}

/**
 * The TEST-phase net as inference needs it: data layers are inputs, losses their predictions, scores are gone. Where the TEST phase
 * has no data layer for a blob, another phase's or stage's stands for it.
 * A data layer's shape is [batch_size, 3, crop_size, crop_size] as far as its parameters tell it.
 * Throws NetrunError for a data layer whose shape is neither there nor given.
 */
export function inferenceNet(net: NetParameter, options: InferenceNetOptions = {}): InferenceNet {
  const { level = 0, stages = [] } = options;
  const filtered = filterNet(net, create("NetState", { phase: Phase.TEST, level, stage: stages }));
  const shapes = new Map(Object.entries(options.shapes ?? {}));
  const computing = withoutTargets(
    filtered.layer.flatMap((layer) => {
      if (DROPPED.includes(layer.type) || bringsData(layer)) return [];
      return isLoss(layer) ? prediction(layer, filtered.layer) : [layer];
    }),
    filtered.layer,
  );
  const silenced = new Set(filtered.layer.flatMap(({ type, bottom }) => (type === "Silence" ? bottom : [])));
  const comparing = filtered.layer.filter((layer) => isLoss(layer) || layer.type === "Accuracy");
  const targets = new Set(comparing.flatMap(({ bottom }) => bottom.slice(1)));
  for (const { bottom } of comparing) targets.delete(bottom[0]!);
  const inputs = dataLayers(net, filtered, computing).map((layer) => inputLayer(layer, shapes));
  return { name: filtered.name, layers: [...inputs, ...computing], shapes, silenced, targets };
}

/** Whether a layer is a loss: Python layers are where they weigh in the objective. */
export const isLoss = ({ type, loss_weight }: LayerParameter) =>
  Object.hasOwn(PREDICTIONS, type) || (type === "Python" && loss_weight.some((weight) => weight !== 0));

const pythonClass = (layer: LayerParameter) => sub(layer, "python_param").layer;

/**
 * The layers without those that make targets for losses: Python layers whose tops some layer of all took and nobody takes now. Faster R-CNN's sampled
 * proposals are in inference the proposals themselves.
 */
function withoutTargets(layers: readonly LayerParameter[], all: readonly LayerParameter[]): readonly LayerParameter[] {
  const passing = layers.map((layer) =>
    layer.type === "Python" && pythonClass(layer) === "ProposalTargetLayer"
      ? create("LayerParameter", { name: layer.name, type: "Split", bottom: [layer.bottom[0]!], top: [layer.top[0]!] })
      : layer,
  );
  const before = new Set(all.flatMap(({ bottom }) => bottom));
  const taken = new Set(passing.flatMap(({ bottom }) => bottom));
  const isTarget = ({ type, top }: LayerParameter) =>
    type === "Python" && top.some((name) => before.has(name)) && !top.some((name) => taken.has(name));
  return passing.filter((layer) => !isTarget(layer));
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

/** An Input layer for a data layer: data from batch and crop sizes, labels one each, unless their shapes are given. */
function inputLayer(layer: LayerParameter, shapes: Map<string, readonly number[]>): LayerParameter {
  const data = dataOf(layer)!;
  const batch = Math.max(1, data.batchSize?.(layer) ?? 1);
  const [first, ...others] = layer.top as [string, ...string[]];
  const row = data.rowShapes?.(layer)[0] ?? data.image?.(layer);
  if (!shapes.has(first) && row) shapes.set(first, [batch, ...row]);
  if (!shapes.has(first)) {
    throw new NetrunError(`layer "${layer.name}": the shape of "${first}" is not in the prototxt`, {
      span: spanOf(layer),
      notes: [`give it: --shape ${first}=1,3,224,224 (in the API shapes: { "${first}": [1, 3, 224, 224] })`],
    });
  }
  for (const top of others) if (!shapes.has(top)) shapes.set(top, [shapes.get(first)![0] ?? batch]);
  return inputFor([layer], (top) => shapes.get(top)!);
}

/** The layer that stands for a loss, under the loss's name and first top. */
function prediction(loss: LayerParameter, layers: readonly LayerParameter[]): readonly LayerParameter[] {
  const kind = loss.type === "Python" ? null : PREDICTIONS[loss.type as keyof typeof PREDICTIONS];
  const scores = loss.bottom[0]!;
  // The same prediction may be in the net already, as a TEST-phase layer of its own.
  const there = layers.some((layer) => layer !== loss && layer.type === kind?.type && layer.bottom[0] === scores);
  if (kind === null || there) return [];
  const top = [loss.top[0] ?? loss.name];
  const bare = { bottom: [scores], top, loss_weight: [], propagate_down: [], include: [], exclude: [] };
  const param = kind.param && has(loss, kind.param) ? { [kind.param]: loss[kind.param] } : {};
  return [amend(create("LayerParameter", { name: loss.name, type: kind.type, ...param }), bare)];
}
