import { create } from "../../caffe/message.js";
import type { LayerParameter } from "../../caffe/messages.js";

/** A layer whose first top is its first bottom, in the place of one that only training needs; Dropout passes it in place too. */
export const passFirst = ({ name, bottom, top }: LayerParameter): LayerParameter =>
  create("LayerParameter", {
    name,
    type: bottom[0] === top[0] ? "Dropout" : "Split",
    bottom: [bottom[0]!],
    top: [top[0]!],
  });
