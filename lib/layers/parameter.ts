import { create, has, sub } from "../caffe/message.js";
import { computeLayer } from "./layer.js";

const ZERO = create("FillerParameter", {});

/** Parameter: a trainable blob as a top, of the given `shape`. It starts as 0, or by caffe-windows' `blob_filler`. No bottoms. */
export const Parameter = computeLayer({
  type: "Parameter",
  param: "parameter_param",
  bottoms: 0,
  tops: 1,
  blobs: ({ param }) => [
    { shape: sub(param, "shape").dim, filler: has(param, "blob_filler") ? sub(param, "blob_filler") : ZERO },
  ],
  lower: ({ blobs }) => ({ tops: [blobs[0]!] }),
});
