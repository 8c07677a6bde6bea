import { slice } from "../ops/index.js";
import { canonicalAxis, computeLayer } from "./layer.js";

/**
 * Crop: the part of the first bottom that has the second's size in the axes from `axis` on, beginning at `offset`: none is 0, one is
 * for all these axes, else one each. The second bottom gives its shape alone and gets no gradient. In nets without any crop_param the
 * offsets are those of the fork that FCN first used (see lib/net/crop-offsets.ts).
 */
export const Crop = computeLayer({
  type: "Crop",
  param: "crop_param",
  bottoms: 2,
  tops: 1,
  crops: ({ crop_param: param }) => {
    const { axis = 2, offset = [] } = param ?? {};
    const places = offset.slice(-2);
    if (places.length === 0) return { offset: undefined };
    // One offset is for all axes from `axis` on; of planes those are height and width.
    return { offset: axis === 3 ? [0, places.at(-1)!] : [places[0]!, places.at(-1)!] };
  },
  lower(site) {
    const [x, reference] = site.bottoms;
    const { shape } = x!.type;
    const size = reference!.type.shape;
    const axis = canonicalAxis(site, site.param.axis, shape.length);
    const { offset } = site.param;
    if (offset.length > 1 && axis + offset.length !== shape.length) {
      throw site.error(`${offset.length} offset for the ${shape.length - axis} axes from axis ${axis} on`, "offset", [
        "give none, one for all, or one each",
      ]);
    }
    let y = x!;
    for (let i = axis; i < shape.length; i++) {
      const start = offset.length > 1 ? offset[i - axis]! : (offset[0] ?? 0);
      const dim = size[i];
      if (dim === undefined) throw site.bottomError(1, `[${size}] has no axis ${i} to crop [${shape}] to`);
      if (start + dim > shape[i]!) {
        throw site.bottomError(1, `${dim} entries from offset ${start} on are more than axis ${i} of [${shape}] has`);
      }
      y = slice(y, i, start, start + dim);
    }
    return { tops: [y] };
  },
});
