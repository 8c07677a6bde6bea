/** Layer types of forks that netrun does not run, and why: what a layer of them would need. */
export const refusedTypes: Readonly<Record<string, string>> = {
  DataAugmentation: "it draws geometry and colours anew for each image, and keeps a mean that it corrects as it goes",
  DeformablePSROIPooling: "it pools over cells that another blob moves",
  DenseCRF: "it is a mean-field inference over all pairs of pixels, by filters in a space of positions and colours",
  FlowAugmentation: "it undoes the geometry that DataAugmentation drew",
  GenerateAugmentationParameters: "it draws geometry and colours for DataAugmentation",
  MultiStageMeanfield:
    "it is a mean-field inference over all pairs of pixels, by filters in a space of positions and colours",
};
