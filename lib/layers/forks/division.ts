import { has } from "../../caffe/message.js";
import type { CombinationParameter, DivisionParameter } from "../../caffe/messages.js";
import { concat, slice } from "../../ops/index.js";
import type { Value } from "../../graph/index.js";
import { bottomText, computeLayer, type Site } from "../layer.js";

/** The place of each part: its left and top. */
function placesOf(site: Site<DivisionParameter> | Site<CombinationParameter>, count: number): readonly Place[] {
  const { xcoord, ycoord } = site.param;
  for (const [field, all] of [["xcoord", xcoord] as const, ["ycoord", ycoord] as const])
    if (all.length < count)
      throw site.error(`${field} is given ${all.length} times, and there are ${count} parts`, field);
  return Array.from({ length: count }, (_, i) => ({ x: xcoord[i]!, y: ycoord[i]! }));
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/**
 * Division (JAA-Net, ARL): a part of x [n, c, h, w] as each top, [n, c, height, width], whose left and top are its xcoord and ycoord.
 * The gradient is that of the parts together; the authors' keeps the last one's where parts overlap, which theirs do not.
 * Source: ZhiwenShao/JAANet, division_layer.cpp.
 */
export const Division = computeLayer({
  type: "Division",
  param: "division_param",
  bottoms: 1,
  tops: [1, Infinity],
  lower(site) {
    const { param, topCount } = site;
    const x = site.bottoms[0]!;
    const [, , h, w] = x.type.shape;
    if (x.type.shape.length !== 4) throw site.bottomError(0, `${bottomText(site, 0)} does not have 4 axes`);
    for (const field of ["width", "height"] as const) if (!has(param, field)) throw site.error(`${field} is missing`);
    const { width, height } = param;
    const tops = placesOf(site, topCount).map((place, i) => {
      if (place.x + width > w! || place.y + height > h!)
        throw site.error(
          `part ${i}, ${width} by ${height} at (${place.x}, ${place.y}), is not within ${bottomText(site, 0)}`,
        );
      return slice(slice(x, 2, place.y, place.y + height), 3, place.x, place.x + width);
    });
    return { tops };
  },
});

/**
 * Combination (JAA-Net, ARL): what Division divides, together again: bottoms [n, c, ...], each with its left and top, as [n, c, h, w].
 * The last one's right and bottom are those of the top. They come row by row and leave no gap: the authors' layer leaves what was
 * there before in gaps. Source: ZhiwenShao/JAANet, combination_layer.cpp.
 */
export const Combination = computeLayer({
  type: "Combination",
  param: "combination_param",
  bottoms: [1, Infinity],
  tops: 1,
  lower(site) {
    const { bottoms } = site;
    const places = placesOf(site, bottoms.length);
    const [n, c] = bottoms[0]!.type.shape;
    bottoms.forEach(({ type: { shape } }, i) => {
      if (shape.length !== 4 || shape[0] !== n || shape[1] !== c)
        throw site.bottomError(i, `${bottomText(site, i)} is not [${n},${c}] and a height and width`);
    });
    const rows: { readonly parts: Value[]; readonly height: number; width: number }[] = [];
    let bottom = 0;
    bottoms.forEach((part, i) => {
      const [height, width] = part.type.shape.slice(2) as [number, number];
      const { x, y } = places[i]!;
      const last = rows.at(-1);
      if (last && x === last.width && y === bottom - last.height && height === last.height) {
        last.parts.push(part);
        last.width += width;
      } else if (x === 0 && y === bottom) {
        rows.push({ parts: [part], height, width });
        bottom += height;
      } else
        throw site.bottomError(
          i,
          `${bottomText(site, i)} at (${x}, ${y}) leaves a gap, or is not in the order of rows`,
        );
    });
    const uneven = rows.find(({ width }) => width !== rows[0]!.width);
    if (uneven) throw site.error(`a row of ${uneven.width} columns is not as wide as the first, of ${rows[0]!.width}`);
    return {
      tops: [
        concat(
          rows.map(({ parts }) => concat(parts, 3)),
          2,
        ),
      ],
    };
  },
});
