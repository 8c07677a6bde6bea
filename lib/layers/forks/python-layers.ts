import { sub } from "../../caffe/message.js";
import type { LayerParameter, PythonParameter } from "../../caffe/messages.js";
import { croppedImages } from "../data-images.js";
import type { LayerFacts } from "../facts.js";
import type { Lowered, Site } from "../layer.js";
import { passFirst } from "./pass-first.js";
import { PROPOSAL_DEFAULTS, proposals } from "./proposal.js";
import { anchorTargets, proposalTargets } from "./rpn-targets.js";

/** How many proposals Faster R-CNN's configuration keeps in training. */
const TRAINING = { preNms: 12000, postNms: 2000 };

/** Python layers that netrun knows, by module and class. */
export const pythonLayers: Readonly<Record<string, (site: Site<PythonParameter>) => Lowered>> = {
  "rpn.anchor_target_layer.AnchorTargetLayer": (site) =>
    anchorTargets(site, settings(site), numberIn(site.param.param_str, "allowed_border") ?? 0),
  "rpn.proposal_layer.ProposalLayer": (site) =>
    proposals(site, site.phase === "TRAIN" ? { ...settings(site), ...TRAINING } : settings(site)),
  "rpn.proposal_target_layer.ProposalTargetLayer": (site) => proposalTargets(site, needed(site, "num_classes")),
  // ENet's dropout of whole channels.
  "spatial_dropout.SpatialDropoutLayer": (site) => {
    if (site.phase === "TRAIN") throw site.error("spatial dropout is there for inference, not for training");
    return { tops: [site.bottoms[0]!] };
  },
};

/** Facts on a Python layer: without bottoms it brings data in, with a weight in the objective it is a loss. */
export function pythonFacts(layer: LayerParameter): LayerFacts {
  if (layer.bottom.length === 0) return { data: { origin: "program", image: croppedImages } };
  if (layer.loss_weight.some((weight) => weight !== 0)) return { inference: { as: "prediction" } };
  // Faster R-CNN's sampled proposals are in inference the proposals themselves.
  if (sub(layer, "python_param").layer === "ProposalTargetLayer") return { inference: { as: "layer", of: passFirst } };
  return {};
}

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
