import { countRange } from "./number.js";
import type { Options } from "./option.js";

/** Layer-wise pretraining: what each layer is trained as, and for how long. */
export const PRETRAINING = {
  kind: {
    type: "choice",
    choices: ["rbm", "autoencoder"],
    describe: "Kind of layers: restricted Boltzmann machines (rbm, the default) or denoising autoencoders",
  },
  layers: { type: "names", describe: "InnerProduct layers to pretrain: NAME[,NAME...]" },
  iterations: { type: "number", range: countRange("iterations"), describe: "Iterations per layer (default 1000)" },
  rate: { type: "number", range: { min: 0 }, describe: "Learning rate (default 0.1)" },
  pretrainingMomentum: {
    type: "number",
    range: { min: 0, max: 1 },
    api: "momentum",
    describe: "Momentum of pretraining (default 0.5)",
  },
  pretrainingDecay: {
    type: "number",
    range: { min: 0 },
    api: "weightDecay",
    describe: "Weight decay of pretraining (default 0)",
  },
  visible: {
    type: "choice",
    choices: ["binary", "gaussian"],
    describe: "Units of the data: from 0 to 1 (binary, the default), or standardised numbers (gaussian)",
  },
  cdSteps: { type: "number", range: countRange("steps"), describe: "Gibbs sampling steps of an RBM (default 1)" },
  persistent: { type: "boolean", describe: "Continue an RBM's chains from batch to batch" },
  corruption: {
    type: "number",
    range: { min: 0, max: 0.99 },
    describe: "Share of an autoencoder's inputs to set to 0 (default 0.3)",
  },
  tied: {
    type: "boolean",
    describe: "Use an autoencoder's encoder weights in its decoder too (--no-tied: separate weights)",
  },
} as const satisfies Options;
