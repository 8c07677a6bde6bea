/** Layer types of forks that netrun does not run, and why: what a layer of them would need. */
export const refusedTypes: Readonly<Record<string, string>> = {
  DataAugmentation: "it draws geometry and colours anew for each image, and keeps a mean that it corrects as it goes",
  DeformablePSROIPooling: "it pools over cells that another blob moves",
  DenseBlock: "it is many layers in one, with blobs of its own",
  DenseCRF: "it is a mean-field inference over all pairs of pixels, by filters in a space of positions and colours",
  FlowAugmentation: "it undoes the geometry that DataAugmentation drew",
  GenerateAugmentationParameters: "it draws geometry and colours for DataAugmentation",
  ImResize: "it resizes maps of several scales into one",
  MaskPooling: "it is of a net whose regions follow from what the net predicts",
  MaskResize: "it is of a net whose regions follow from what the net predicts",
  MultiStageMeanfield:
    "it is a mean-field inference over all pairs of pixels, by filters in a space of positions and colours",
  Nms: "it finds peaks of maps one after another",
  ROIWarping: "it has a gradient to the regions, which follow from what the net predicts",
  FixedNeuron: "it rounds to few bits; without it the net runs that was quantised (--int8 quantises a converted one)",
  Hotspot: "it draws maps of points as labels",
  Local: "it has weights of its own at each place",
  LocallyConnected: "it has weights of its own at each place",
  LocalWeightedConvolution: "it has weights of its own at each place",
  RBMInnerProduct: "it is trained by sampling, without a gradient",
  Topk: "forks of that name keep different entries",
};
