import { reshape, transpose } from "../../ops/index.js";
import { computeLayer } from "../layer.js";

/** ShuffleChannel (ShuffleNet): channel g * (c/group) + k becomes channel k * group + g. x [n,c,...], y as x. */
export const ShuffleChannel = computeLayer({
  type: "ShuffleChannel",
  param: "shuffle_channel_param",
  bottoms: 1,
  tops: 1,
  lower({ bottoms, param, error }) {
    const x = bottoms[0]!;
    const [n, c, ...rest] = x.type.shape as [number, number, ...number[]];
    const { group } = param;
    if (group < 1 || c % group !== 0) throw error(`group ${group} does not divide the ${c} channels`, "group");
    const split = reshape(x, [n, group, c / group, ...rest]);
    const swapped = transpose(split, [0, 2, 1, ...rest.map((_, i) => i + 3)]);
    return { tops: [reshape(swapped, x.type.shape)] };
  },
});
