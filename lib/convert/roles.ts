/**
 * What the inputs of ops after the first are, where those are a layer's weights: the index of its blob, or a part of a normalization.
 * Initializers are called `LAYER/ROLE`, and weights are known again by it.
 */
export const INPUT_ROLES: Readonly<Record<string, readonly string[]>> = {
  Conv: ["0", "1"],
  ConvTranspose: ["0", "1"],
  Gemm: ["0", "1"],
  BatchNormalization: ["scale", "bias", "mean", "variance"],
};
