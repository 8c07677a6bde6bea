import { sub } from "../../caffe/message.js";
import type { LayerParameter, PythonParameter } from "../../caffe/messages.js";
import { arange, constant, count, type Value } from "../../graph/index.js";
import {
  cast,
  equal,
  gather,
  greaterOrEqual,
  less,
  mul,
  not,
  reshape,
  stopGradient,
  sumAll,
  topK,
} from "../../ops/index.js";
import type { DataFacts, DataOrigin, ImageShape, LayerFacts } from "../facts.js";
import { foreignData } from "../foreign.js";
import { bottomText, type Lowered, type Site } from "../layer.js";
import { onePerRow } from "../implied.js";
import { labelMaps } from "./dense-image-data.js";
import { pythonDiceLoss } from "./dice-loss.js";
import { passFirst } from "./pass-first.js";
import { PROPOSAL_DEFAULTS, proposals } from "./proposal.js";
import { anchorTargets, proposalTargets } from "./rpn-targets.js";
import { constrainLoss, seedLoss, softmaxRaised, unrunOfSec } from "./sec.js";

/** Number of proposals Faster R-CNN's configuration keeps in training. */
const TRAINING = { preNms: 12000, postNms: 2000 };

/** MTCNN's layers between what it predicts and the losses of its tasks. */
const BRIDGES = ["cls_Layer", "cls_Layer24", "roi_Layer", "roi_Layer24"] as const;

/** Python layers that netrun knows, by module and class. */
export const pythonLayers: Readonly<Record<string, (site: Site<PythonParameter>) => Lowered>> = {
  ...Object.fromEntries(BRIDGES.map((name) => [`pythonLayer.${name}`, validItems])),
  "rpn.anchor_target_layer.AnchorTargetLayer": (site) =>
    anchorTargets(site, settings(site), numberIn(site.param.param_str, "allowed_border") ?? 0),
  "rpn.proposal_layer.ProposalLayer": (site) =>
    proposals(site, site.phase === "TRAIN" ? { ...settings(site), ...TRAINING } : settings(site)),
  "rpn.proposal_target_layer.ProposalTargetLayer": (site) =>
    proposalTargets(site, needed(site, "num_classes"), numberIn(site.param.param_str, "batch_size")),
  "pylayers.ConstrainLossLayer": constrainLoss,
  "pylayers.SeedLossLayer": seedLoss,
  "pylayers.SoftmaxLayer": softmaxRaised,
  "spatial_dropout.SpatialDropoutLayer": spatialDropout,
  "pyLayer.DiceLoss": pythonDiceLoss,
};

/**
 * ENet's dropout of whole channels: where param_str says `phase: TRAIN`, y = x * mask / (1 - p) with a mask for each channel of each
 * image, else y = x. In TEST y = x, whatever it says: ENet's deploy nets say TEST, and a training net that is converted infers.
 */
function spatialDropout(site: Site<PythonParameter>): Lowered {
  const x = site.bottoms[0]!;
  const text = site.param.param_str;
  if (site.phase === "TEST" || !/\bphase['"]?\s*:\s*['"]?TRAIN\b/.test(text)) return { tops: [x] };
  const p = Number(/\bp['"]?\s*:\s*['"]?([\d.]+)/.exec(text)?.[1]);
  if (!(p > 0 && p < 1)) throw site.error(`p in "${text}" is not between 0 and 1`, "python_param");
  const { shape } = x.type;
  const kept = greaterOrEqual(site.random([...shape.slice(0, 2), ...shape.slice(2).map(() => 1)]), constant(p));
  return { tops: [mul(x, mul(cast(kept, "float32"), constant(1 / (1 - p))))] };
}

/**
 * MTCNN's items of one task: those of predictions [n, ...] whose label [n, 1] is not -1, with their labels, in order; then items of 0
 * with label 0, as many as others there are. Source: CongWeilin/mtcnn-caffe, 12net/pythonLayer.py and 24net/pythonLayer.py, whose
 * gradients are for batches of one task: all items, or none.
 */
function validItems(site: Site<PythonParameter>): Lowered {
  const [x, labels] = site.bottoms;
  const n = x?.type.shape[0] ?? 0;
  if (!labels || site.bottoms.length !== 2) throw site.error("2 bottoms are needed: predictions and labels", "bottom");
  if (n === 0 || count(labels.type.shape) !== n)
    throw site.bottomError(1, `${bottomText(site, 1)} is not a label for each item of ${bottomText(site, 0)}`);
  const isValid = cast(not(equal(reshape(stopGradient(labels), [n]), constant(-1))), "float32");
  const { indices } = topK(isValid, 0, n);
  const kept = cast(less(arange(n), sumAll(isValid)), "float32");
  const first = (value: Value) => {
    const each = value.type.shape.map((dim, axis) => (axis === 0 ? dim : 1));
    return mul(gather(value, indices, 0), reshape(kept, each));
  };
  return { tops: [first(x!), first(stopGradient(labels))] };
}

/** Facts on a Python layer: without bottoms it brings data in, with a weight in the objective it is a loss. */
export function pythonFacts(layer: LayerParameter): LayerFacts {
  if (layer.bottom.length === 0) {
    const data = { ...foreignData, origin: originOf(layer), image: imagesOf, unread: unreadOf(layer) };
    if (isMaps(layer)) return { data: { ...data, ...LABEL_MAPS } };
    return { data: isFcnData(layer) ? { ...data, batchSize: () => 1 } : data };
  }
  const isLoss = layer.loss_weight.some((weight) => weight !== 0);
  if (isLoss) return { inference: { as: "prediction" }, topShapes: ({ top }) => top.map(() => []) };
  if (isScore(layer)) return { score: true, inference: { as: "nothing" }, topShapes: ({ top }) => top.map(() => [1]) };
  // In inference each task has all that was predicted.
  if (BRIDGES.some((name) => keyOf(layer) === `pythonLayer.${name}`))
    return { implies: (_, shapeOf) => onePerRow(1, shapeOf), inference: { as: "layer", of: passFirst } };
  const implies = IMPLIES[sub(layer, "python_param").layer];
  // Faster R-CNN's sampled proposals are in inference the proposals themselves.
  if (sub(layer, "python_param").layer === "ProposalTargetLayer")
    return { ...implies, skipsEmptyRows: true, inference: { as: "layer", of: passFirst } };
  const likelyShapes: LayerFacts["likelyShapes"] = ({ top }, shapeOf) => (top.length === 1 ? [shapeOf(0)] : []);
  return { ...implies, likelyShapes, ...unrunPythonLayers[keyOf(layer)] };
}

/** Tests whether a Python layer's class is called an accuracy: figures for people, of which inference needs none. */
const isScore = (layer: LayerParameter): boolean => /Accuracy(Layer)?$/.test(sub(layer, "python_param").layer);

const keyOf = (layer: LayerParameter): string => {
  const { module, layer: name } = sub(layer, "python_param");
  return `${module}.${name}`;
};

/** DetectNet's: at most 50 boxes an image, each of four corners and a confidence; a top for each class. */
const boxLists: LayerFacts = {
  topShapes: ({ top }, shapeOf) => {
    const first = shapeOf(0);
    return first ? top.map(() => [first[0]!, 50, 5]) : [];
  },
};

/** Facts on Python layers that netrun does not run: the shapes that they say when they are set up. */
export const unrunPythonLayers: Readonly<Record<string, LayerFacts>> = {
  ...unrunOfSec,
  "caffe.layers.detectnet.clustering.ClusterDetections": boxLists,
  "caffe.layers.detectnet.clustering.ClusterGroundtruth": boxLists,
  "caffe.layers.detectnet.mean_ap.ScoreDetections": boxLists,
  /** DetectNet's mean average precision, precision and recall. */
  "caffe.layers.detectnet.mean_ap.mAP": { topShapes: ({ top }) => top.map(() => [1]) },
  /** CTPN's: boxes and their scores, as many as there are. */
  "layers.text_proposal_layer.ProposalLayer": {
    topShapes: () => [
      [1, 4],
      [1, 1],
    ],
  },
};

/** Faster R-CNN's data layer is one of netrun's, for a data set that is given; others are fed. */
const originOf = (layer: LayerParameter): DataOrigin => {
  if (isMaps(layer)) return "maps";
  return isRegions(layer) && !hasProposals(layer) ? "regions" : "program";
};

const isRegions = (layer: LayerParameter): boolean => {
  const { module, layer: name } = sub(layer, "python_param");
  return module === "roi_data_layer.layer" && name === "RoIDataLayer";
};

/** Tests whether RoIDataLayer has other tops than an image, its size and its boxes: proposals of files and their targets. */
const hasProposals = (layer: LayerParameter): boolean => layer.top.length !== 3;

const unreadOf = (layer: LayerParameter): string | undefined =>
  isRegions(layer) && hasProposals(layer)
    ? "its proposals come from files (Fast R-CNN, alternating training), which netrun does not read: train the end-to-end net, " +
      'whose RoIDataLayer has the tops "data", "im_info" and "gt_boxes", with --data PATH'
    : undefined;

/** Labels of FCN's layers: palettes' numbers for each place. */
const LABEL_MAPS: Pick<DataFacts, "maps" | "otherTops"> = {
  maps: () => ({ divisor: 1, values: "indices" }),
  otherTops: (first) => labelMaps(first, 1),
};

/** FCN's layers that read images and the class of each pixel; with other tops they have depth or several kinds of labels. */
const isMaps = (layer: LayerParameter): boolean => layer.top.length === 2 && isFcnData(layer);

/** FCN's layers, which read one image at a time. */
const isFcnData = (layer: LayerParameter): boolean =>
  /^(VOC|SBDD|SIFTFlow|PASCALContext|NYUD)SegDataLayer$/.test(sub(layer, "python_param").layer);

/** Images of the size that a data layer's parameters tell, or that its Python code begins with. */
const imagesOf = (layer: LayerParameter): ImageShape | undefined =>
  foreignData.image?.(layer) ?? IMAGES[sub(layer, "python_param").layer];

/** Sizes of published data layers whose images differ in size. Sources: their setup, and the deploy nets beside them. */
const IMAGES: Readonly<Record<string, ImageShape>> = {
  // cfg.TRAIN.SCALES and MAX_SIZE of py-faster-rcnn.
  RoIDataLayer: [3, 600, 1000],
  // FCN: what its deploy nets have.
  VOCSegDataLayer: [3, 500, 500],
  SBDDSegDataLayer: [3, 500, 500],
  PASCALContextSegDataLayer: [3, 500, 500],
  SIFTFlowSegDataLayer: [3, 256, 256],
  NYUDSegDataLayer: [3, 425, 560],
};

/** Boxes of an image and their classes, in bottom 1. */
const BOXES = new Map([[1, [1, 5]]]);

/**
 * Shapes that Python layers imply for data that they read, boxes and classes, and an image's height, width and scale; and of what
 * they give with anchors that netrun does not have.
 */
const IMPLIES: Readonly<Record<string, Pick<LayerFacts, "implies" | "topShapes">>> = {
  AnchorTargetLayer: {
    implies: () => new Map([...BOXES, [2, [1, 3]]]),
    topShapes: (_, shapeOf) => {
      const scores = shapeOf(0);
      if (scores?.length !== 4) return [];
      const [, c, h, w] = scores as [number, number, number, number];
      // Numbers for a box are the module's own: CTPN's are two.
      return [[1, 1, (c / 2) * h, w]];
    },
  },
  ProposalLayer: { implies: () => new Map([[2, [1, 3]]]) },
  ProposalTargetLayer: { implies: () => BOXES },
};

/**
 * A Faster R-CNN proposal layer's settings: feat_stride, which must be there, and scales in param_str, a YAML or Python dictionary.
 */
function settings(site: Site<PythonParameter>) {
  const { param, error } = site;
  const text = param.param_str;
  const stride = needed(site, "feat_stride");
  if (!/\bscales['"]?\s*:/.test(text)) return { ...PROPOSAL_DEFAULTS, stride };
  // In brackets, or a line each after a dash.
  const list = /\bscales['"]?\s*:\s*(?:!!python\/tuple\s*)?(?:[[(]([^\])]*)[\])]|((?:\s*-\s*[\d.]+)+))/.exec(text);
  const scales = (list?.[1]?.split(",") ?? list?.[2]?.split("-") ?? [])
    .filter((item) => item.trim() !== "")
    .map(Number);
  if (scales.length === 0 || scales.some(Number.isNaN))
    throw error(`scales in "${text}" are not numbers`, "python_param");
  return { ...PROPOSAL_DEFAULTS, stride, scales };
}

/** A whole number that param_str gives by name; undefined where it does not. */
function numberIn(text: string, name: string): number | undefined {
  const found = new RegExp(`\\b${name}['"]?\\s*:\\s*(-?\\d+)`).exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The same; throws where it is not given. */
function needed({ param, error }: Site<PythonParameter>, name: string): number {
  const value = numberIn(param.param_str, name);
  if (value === undefined) throw error(`"${param.param_str}" does not give ${name}`, "python_param");
  return value;
}
