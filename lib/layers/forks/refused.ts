/** Layer types of forks that netrun does not run, and why: what a layer of them would need. */
export const refusedTypes: Readonly<Record<string, string>> = {
  BAccuracy: "its second number is the logarithm of a negative one where a prediction is greater than 0",
  BdctToSpatial: "it turns a JPEG's coefficients into pixels, which netrun's images are already",
  DataSequence: "it draws rows of the same label and of others from those that it has seen",
  DataAugmentation: "it draws geometry and colours anew for each image, and keeps a mean that it corrects as it goes",
  DenseCRF: "it is a mean-field inference over all pairs of pixels, by filters in a space of positions and colours",
  FlowWarping: "its versions weigh the four pixels around a place differently, and one of them swaps two of them",
  FlowAugmentation: "it undoes the geometry that DataAugmentation drew",
  GenerateAugmentationParameters: "it draws geometry and colours for DataAugmentation",
  MultiStageMeanfield:
    "it is a mean-field inference over all pairs of pixels, by filters in a space of positions and colours",
  DetectNetTransformation: "it distorts images anew each time and draws maps of their boxes, which netrun does not",
  AUMaskBasedLand: "which of 49 points each of its 12 maps is around is written in its code",
  LabelDropout: "it draws anew which negatives of a map count",
  MalisLoss: "it is a loss over spanning trees of affinities",
  TransformerBlock: "it is attention of many heads, which netrun does not have",
  FixedNeuron: "it rounds to few bits; without it the net runs that was quantised (--int8 quantises a converted one)",
  RPN: "it proposes as Proposal does, but clips boxes to the image's size, not its last pixel, and measures them before that",
  RBMInnerProduct: "it is trained by sampling, without a gradient",
  Topk: "forks of that name keep different entries, and no source at hand says which",
  YoloSeg: "it is a loss of masks, of which no source at hand says how its settings count on a GPU",
};
