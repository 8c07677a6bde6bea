import { create } from "../../caffe/message.js";
import type { LayerParameter } from "../../caffe/messages.js";

/** A layer whose first top is its first bottom, in the place of one that only training needs. */
export const passFirst = ({ name, bottom, top }: LayerParameter): LayerParameter =>
  create("LayerParameter", { name, type: "Split", bottom: [bottom[0]!], top: [top[0]!] });
