import { countRange } from "./number.js";
import type { Options } from "./option.js";

/** Layer-wise pretraining: what each layer is trained as, and for how long. */
export const PRETRAINING = {
  kind: {
    type: "choice",
    choices: ["rbm", "autoencoder"],
    describe: "Restricted Boltzmann machines (rbm, the default) or denoising autoencoders",
  },
  layers: { type: "names", describe: "InnerProduct layers to pretrain: NAME[,NAME...]" },
  iterations: { type: "number", range: countRange("iterations"), describe: "Iterations of each layer (1000)" },
  rate: { type: "number", range: { min: 0 }, describe: "Learning rate (0.1)" },
  pretrainingMomentum: {
    type: "number",
    range: { min: 0, max: 1 },
    api: "momentum",
    describe: "Momentum of pretraining (0.5)",
  },
  pretrainingDecay: {
    type: "number",
    range: { min: 0 },
    api: "weightDecay",
    describe: "Weight decay of pretraining (0)",
  },
  visible: {
    type: "choice",
    choices: ["binary", "gaussian"],
    describe: "Units of the data: between 0 and 1 (binary, the default), or standardised numbers (gaussian)",
  },
  cdSteps: { type: "number", range: countRange("steps"), describe: "Steps of Gibbs sampling of an RBM (1)" },
  persistent: { type: "boolean", describe: "An RBM's chains go on from batch to batch" },
  corruption: {
    type: "number",
    range: { min: 0, max: 0.99 },
    describe: "Share of an autoencoder's inputs that are set to 0 (0.3)",
  },
  tied: { type: "boolean", describe: "An autoencoder's decoder has the encoder's weights (--no-tied: its own)" },
} as const satisfies Options;
