import type { PretrainScores } from "../train/pretrained-parts.js";

/** Scores of a layer's pretraining as a line has them. */
export const pretrainingText = ({ loss, reconstructionError, freeEnergy }: PretrainScores): string =>
  [
    `loss ${loss.toPrecision(5)}`,
    `reconstruction error ${reconstructionError.toPrecision(4)}`,
    ...(freeEnergy === undefined ? [] : [`free energy ${freeEnergy.toPrecision(5)}`]),
  ].join(", ");
