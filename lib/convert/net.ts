import { filterNet } from "../caffe/filter.js";
import { amend, create, has, sub } from "../caffe/message.js";
import { type LayerParameter, type NetParameter, Phase } from "../caffe/messages.js";
import { isDataType } from "../caffe/replace-data.js";
import { NetrunError } from "../error.js";
import { spanOf } from "../text/notes.js";

/** The layers of a net that a converted file computes, and the shapes of its inputs as the prototxt says them. */
export interface InferenceNet {
  readonly name: string;
  readonly layers: readonly LayerParameter[];
  readonly shapes: ReadonlyMap<string, readonly number[]>;
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

/**
 * The TEST-phase net as inference needs it: data layers are inputs, losses their predictions, scores are gone.
 * A data layer's shape is [batch_size, 3, crop_size, crop_size] as far as its parameters tell it.
 */
export function inferenceNet(net: NetParameter, options: InferenceNetOptions = {}): InferenceNet {
  const { level = 0, stages = [] } = options;
  const filtered = filterNet(net, create("NetState", { phase: Phase.TEST, level, stage: stages }));
  const shapes = new Map(Object.entries(options.shapes ?? {}));
  const data = filtered.layer.filter((layer) => isDataType(layer.type) && layer.type !== "Input");
  for (const layer of data) noteShapes(layer, shapes);
  const layers = filtered.layer.flatMap((layer) => {
    if (DROPPED.includes(layer.type)) return [];
    return Object.hasOwn(PREDICTIONS, layer.type) ? prediction(layer, filtered.layer) : [layer];
  });
  return { name: filtered.name, layers, shapes };
}

/** The shapes of a data layer's tops where its parameters tell them: data from batch and crop sizes, labels one each. */
function noteShapes(layer: LayerParameter, shapes: Map<string, readonly number[]>): void {
  const crop = sub(layer, "transform_param").crop_size;
  const { force_gray } = sub(layer, "transform_param");
  const batch = Math.max(1, batchSize(layer));
  const first = layer.top[0]!;
  if (!shapes.has(first) && crop > 0) shapes.set(first, [batch, force_gray ? 1 : 3, crop, crop]);
  for (const top of layer.top.slice(1)) if (!shapes.has(top)) shapes.set(top, [shapes.get(first)?.[0] ?? batch]);
  if (shapes.has(first) || layer.type === "MemoryData") return;
  throw new NetrunError(`layer "${layer.name}": the shape of "${first}" is not in the prototxt`, {
    span: spanOf(layer),
    notes: [`give it: --shape ${first}=1,3,224,224 (in the API shapes: { "${first}": [1, 3, 224, 224] })`],
  });
}

function batchSize(layer: LayerParameter): number {
  const { data_param, image_data_param, hdf5_data_param, window_data_param } = layer;
  return (data_param ?? image_data_param ?? hdf5_data_param ?? window_data_param)?.batch_size ?? 1;
}

/** The layer that stands for a loss, under the loss's name and first top. */
function prediction(loss: LayerParameter, layers: readonly LayerParameter[]): readonly LayerParameter[] {
  const kind = PREDICTIONS[loss.type as keyof typeof PREDICTIONS];
  const scores = loss.bottom[0]!;
  // The same prediction may be in the net already, as a TEST-phase layer of its own.
  const there = layers.some((layer) => layer !== loss && layer.type === kind?.type && layer.bottom[0] === scores);
  if (kind === null || there) return [];
  const top = [loss.top[0] ?? loss.name];
  const bare = { bottom: [scores], top, loss_weight: [], propagate_down: [], include: [], exclude: [] };
  const param = kind.param && has(loss, kind.param) ? { [kind.param]: loss[kind.param] } : {};
  return [amend(create("LayerParameter", { name: loss.name, type: kind.type, ...param }), bare)];
}
