import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PretrainedParts } from "../../../../lib/train/pretrained-parts.js";
import { mutate } from "../bytes.js";
import { mutateJson } from "../json.js";
import type { FuzzReader } from "../reader.js";

/** The layers of a pretraining that are done. */
export const PRETRAINING: readonly FuzzReader[] = [
  {
    name: "layers of a pretraining",
    modules: ["lib/train/pretrained-parts.ts"],
    open: async (folder) => {
      const output = join(folder, "dbn.caffemodel");
      const scores = { loss: 1, reconstructionError: 0.5, freeEnergy: -2 };
      const blobs = { weights: new Float32Array(6), hiddenBias: new Float32Array(2), visibleBias: new Float32Array(3) };
      await new PretrainedParts(output, "key").add("h1", { blobs, first: scores, last: scores });
      const path = `${output}.part`;
      return {
        wholes: [readFileSync(path)],
        damages: [mutate, mutateJson],
        read: (bytes) => {
          writeFileSync(path, bytes);
          new PretrainedParts(output, "key").get("h1", 2, 3);
        },
      };
    },
  },
];
