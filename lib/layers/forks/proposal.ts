import { constant, constantOf, float32, type Value } from "../../graph/index.js";
import { firstOf, lengthOf, nonMaxSuppression, unsqueeze } from "../../ops/detection.js";
import {
  add,
  and,
  cast,
  concat,
  exp,
  expand,
  gather,
  greaterOrEqual,
  max,
  min,
  mul,
  reshape,
  slice,
  stopGradient,
  sub,
  topK,
  transpose,
  where,
} from "../../ops/index.js";
import type { Lowered, Site } from "../layer.js";

/** Faster R-CNN's configuration for testing, and what the layer's parameters may say otherwise. */
export interface ProposalSettings {
  readonly stride: number;
  readonly scales: readonly number[];
  readonly ratios: readonly number[];
  readonly base: number;
  readonly minSize: number;
  readonly preNms: number;
  readonly postNms: number;
  readonly overlap: number;
}

/** Faster R-CNN's own settings. */
export const PROPOSAL_DEFAULTS: ProposalSettings = {
  stride: 16,
  scales: [8, 16, 32],
  ratios: [0.5, 1, 2],
  base: 16,
  minSize: 16,
  preNms: 6000,
  postNms: 300,
  overlap: 0.7,
};

/** Scores are probabilities; a box that is too small gets this one. */
const NEVER = -1;

/**
 * Faster R-CNN's proposals. Bottoms: scores [1, 2a, h, w] (background first), offsets [1, 4a, h, w] to a anchors a cell, im_info
 * [1, 3] of (height, width, scale). Tops: boxes [r, 5] of (0, x1, y1, x2, y2) and, if asked for, their scores [r, 1]: clipped to the
 * image, at least `minSize` large at its scale, the best `preNms`, of which non-maximum suppression leaves at most `postNms`. nothing is trained through them.
 */
export function proposals(site: Site<unknown>, settings: ProposalSettings): Lowered {
  const [scores, offsets, info] = site.bottoms as [Value, Value, Value];
  const [n, doubled, h, w] = scores.type.shape as [number, number, number, number];
  const anchors = anchorsOf(settings);
  const a = anchors.length;
  if (n !== 1) throw site.bottomError(0, "proposals are for one image at a time");
  if (doubled !== 2 * a) throw site.bottomError(0, `${doubled} scores a cell for ${a} anchors`);
  const total = h * w * a;
  const score = reshape(transpose(slice(scores, 1, a, 2 * a), [0, 2, 3, 1]), [total]);
  const boxes = clipped(decoded(offsets, anchors, settings.stride, [h, w]), info);
  const least = mul(infoAt(info, 2), constant(settings.minSize));
  const large = [0, 1].map((axis) =>
    greaterOrEqual(add(sub(column(boxes, axis + 2), column(boxes, axis)), constant(1)), least),
  );
  const counted = where(reshape(and(large[0]!, large[1]!), [total]), score, constant(NEVER));
  const top = topK(counted, 0, Math.min(settings.preNms, total));
  const chosen = gather(boxes, top.indices, 0);
  // A pixel counts as 1 wide: the far corner of a box is one further on.
  const inclusive = unsqueeze(add(chosen, constant(Float32Array.of(0, 0, 1, 1), [4])), [0]);
  const ranked = unsqueeze(unsqueeze(top.values, [0]), [0]);
  const found = (selected: number) =>
    nonMaxSuppression(inclusive, ranked, {
      most: settings.postNms,
      overlap: settings.overlap,
      score: NEVER / 2,
      selected,
    });
  if (site.topCount === 1 && site.skipsEmptyRows(0)) {
    // As many rows as there can be, of item -1 where there are no more: the net is compiled once, whatever is proposed.
    const most = settings.postNms;
    const index = gather(found(most), constantOf("int64", BigInt64Array.of(2n), []), 1);
    const boxed = gather(chosen, index, 0);
    const table = concat([mul(column(boxed, 0), constant(0)), boxed], 1);
    const rest = expand(constant(Float32Array.of(-1, 0, 0, 0, 0), [1, 5]), [most, 5]);
    const end = constantOf("int64", BigInt64Array.of(BigInt(most)), [1]);
    return { tops: [stopGradient(firstOf(concat([table, rest], 0), end, most))] };
  }
  const rows = site.size(cast(reshape(lengthOf(found(settings.postNms)), []), "float32"), settings.postNms);
  const picked = gather(found(rows), constantOf("int64", BigInt64Array.of(2n), []), 1);
  const rois = gather(chosen, picked, 0);
  const first = mul(column(rois, 0), constant(0));
  const boxesTop = concat([first, rois], 1);
  const tops = site.topCount > 1 ? [boxesTop, unsqueeze(gather(top.values, picked, 0), [1])] : [boxesTop];
  return { tops: tops.map(stopGradient) };
}

const column = (x: Value, i: number) => slice(x, 1, i, i + 1);
const infoAt = (info: Value, i: number) => slice(reshape(info, [1, 3]), 1, i, i + 1);

/** The anchors of the cell at (0, 0): of each ratio, at the area of the base, of each scale. Sides are rounded as Faster R-CNN does. */
export function anchorsOf({ base, ratios, scales }: ProposalSettings): readonly (readonly number[])[] {
  const centre = (base - 1) / 2;
  const around = (width: number, height: number) => [
    centre - (width - 1) / 2,
    centre - (height - 1) / 2,
    centre + (width - 1) / 2,
    centre + (height - 1) / 2,
  ];
  return ratios.flatMap((ratio) => {
    const width = roundHalfEven(Math.sqrt((base * base) / ratio));
    const height = roundHalfEven(width * ratio);
    return scales.map((scale) => around(width * scale, height * scale));
  });
}

/** numpy's rounding. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Boxes [h*w*a, 4] from offsets (dx, dy, dw, dh) to the anchors of each cell. */
function decoded(
  offsets: Value,
  anchors: readonly (readonly number[])[],
  stride: number,
  [h, w]: readonly [number, number],
): Value {
  const a = anchors.length;
  const d = reshape(transpose(offsets, [0, 2, 3, 1]), [h * w * a, 4]);
  const centres = new Float32Array(h * w * a * 2);
  const sizes = new Float32Array(h * w * a * 2);
  for (let i = 0; i < h * w * a; i++) {
    const [x1, y1, x2, y2] = anchors[i % a] as [number, number, number, number];
    const cell = Math.floor(i / a);
    const [width, height] = [x2 - x1 + 1, y2 - y1 + 1];
    sizes.set([width, height], 2 * i);
    centres.set([x1 + (cell % w) * stride + width / 2, y1 + Math.floor(cell / w) * stride + height / 2], 2 * i);
  }
  const { shape } = float32([h * w * a, 2]);
  const size = constant(sizes, shape);
  const centre = add(mul(slice(d, 1, 0, 2), size), constant(centres, shape));
  const extent = mul(mul(exp(slice(d, 1, 2, 4)), size), constant(0.5));
  return concat([sub(centre, extent), add(centre, extent)], 1);
}

/** Boxes within the image of im_info's height and width. */
function clipped(boxes: Value, info: Value): Value {
  const edge = sub(
    concat(
      [1, 0, 1, 0].map((i) => infoAt(info, i)),
      1,
    ),
    constant(1),
  );
  return max(min(boxes, edge), constant(0));
}
