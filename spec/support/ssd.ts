const layer = (name: string, type: string, bottom: string, more = "") =>
  `layer { name: "${name}" type: "${type}" ${bottom
    .split(" ")
    .map((blob) => `bottom: "${blob}"`)
    .join(" ")} top: "${name}" ${more} }\n`;

/** The tail of an SSD detector on a small map: priors, offsets and scores of three classes, and what is detected. */
export const SSD_NET =
  `input: "data" input_shape { dim: 1 dim: 3 dim: 32 dim: 32 }\n` +
  layer(
    "map",
    "Convolution",
    "data",
    `convolution_param { num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } }`,
  ) +
  layer(
    "loc",
    "Convolution",
    "map",
    `convolution_param { num_output: 8 kernel_size: 1 weight_filler { type: "xavier" } }`,
  ) +
  layer(
    "conf",
    "Convolution",
    "map",
    `convolution_param { num_output: 6 kernel_size: 1 weight_filler { type: "xavier" } }`,
  ) +
  layer("loc_perm", "Permute", "loc", "permute_param { order: 0 order: 2 order: 3 order: 1 }") +
  layer("conf_perm", "Permute", "conf", "permute_param { order: 0 order: 2 order: 3 order: 1 }") +
  layer("loc_flat", "Flatten", "loc_perm") +
  layer("conf_flat", "Flatten", "conf_perm") +
  layer("priors", "PriorBox", "map data", "prior_box_param { min_size: 4 max_size: 8 }") +
  layer(
    "found",
    "DetectionOutput",
    "loc_flat conf_flat priors",
    "detection_output_param { num_classes: 3 keep_top_k: 9 nms_param { nms_threshold: 0.4 top_k: 20 } code_type: CENTER_SIZE confidence_threshold: 0.1 }",
  );
