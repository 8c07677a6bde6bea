import { IMAGE_INFO } from "../implied.js";
import { computeLayer } from "../layer.js";
import { PROPOSAL_DEFAULTS, proposals } from "./proposal.js";

/** Proposal: Faster R-CNN's proposal layer as a layer type of its own, with its settings in proposal_param. Inference only. */
export const Proposal = computeLayer({
  type: "Proposal",
  param: "proposal_param",
  bottoms: 3,
  implies: () => IMAGE_INFO,
  tops: [1, 2],
  inferenceOnly: true,
  exact: true,
  lower: (site) => {
    const { feat_stride, base_size, min_size, ratio, scale, pre_nms_topn, post_nms_topn, nms_thresh } = site.param;
    return proposals(site, {
      stride: feat_stride,
      base: base_size,
      minSize: min_size,
      ratios: ratio.length > 0 ? ratio : PROPOSAL_DEFAULTS.ratios,
      scales: scale.length > 0 ? scale : PROPOSAL_DEFAULTS.scales,
      preNms: pre_nms_topn,
      postNms: post_nms_topn,
      overlap: nms_thresh,
    });
  },
});
