import { constant } from "../../graph/index.js";
import { computeLayer } from "../layer.js";

/**
 * ContinuationIndicator (OCR forks): flags for LSTM layers, [time_step, batch_size]: 0 in the first step of each sequence, then 1.
 * No bottoms.
 */
export const ContinuationIndicator = computeLayer({
  type: "ContinuationIndicator",
  param: "continuation_indicator_param",
  bottoms: 0,
  tops: 1,
  lower({ param, error }) {
    const { time_step: steps, batch_size: streams } = param;
    if (steps <= 0) throw error("time_step must be greater than 0", "time_step");
    if (streams <= 0) throw error("batch_size must be greater than 0", "batch_size");
    if (param.axis !== 0) throw error("steps along another axis than 0 are not supported", "axis");
    const flags = Float32Array.from({ length: steps * streams }, (_, i) => (i < streams ? 0 : 1));
    return { tops: [constant(flags, [steps, streams])] };
  },
});
