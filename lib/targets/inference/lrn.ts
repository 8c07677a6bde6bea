import { apply, constant, isOp, type Value } from "../../graph/index.js";
import { divideByPower, LRN, type LrnAttrs, mul } from "../../ops/index.js";
import { ChannelMix } from "../../ops/inference.js";
import { nodePass } from "../portable.js";

/**
 * Channels from which on, and up to which, LRN is written as a convolution and roots. ONNX's own op takes a power of each entry on
 * one core: nearly half of the time of GoogLeNet. Where there are fewer channels that is little, and with more the matrix is large.
 */
const MIXED = { from: 64, to: 1024 } as const;

/** LRN over many channels as a 1x1 convolution of squares and roots. */
export const mixedLrn = nodePass("mixed-lrn", (node, [x]) => {
  if (!isOp(node, LRN)) return undefined;
  const channels = x!.type.shape[1]!;
  const isMixed = channels >= MIXED.from && channels <= MIXED.to && node.attrs.alpha >= 0;
  return isMixed ? mixed(x!, node.attrs) : undefined;
});

/** x / (bias + sum of (x * sqrt(alpha / size))^2 over `size` channels around)^beta: in half precision squares of x itself overflow. */
function mixed(x: Value, { size, alpha, beta, bias: k }: LrnAttrs): Value {
  const channels = x.type.shape[1]!;
  const band = new Float32Array(channels * channels);
  for (let row = 0; row < channels; row++) {
    const first = Math.max(0, row - (size - 1) / 2);
    band.fill(1, row * channels + first, row * channels + Math.min(channels, row + (size + 1) / 2));
  }
  const scaled = mul(x, constant(Math.sqrt(alpha / size)));
  const bias = constant(new Float32Array(channels).fill(k), [channels]);
  const base = apply(ChannelMix, null, mul(scaled, scaled), constant(band, [channels, channels, 1, 1]), bias);
  return divideByPower(x, base, beta);
}
