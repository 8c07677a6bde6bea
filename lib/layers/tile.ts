import { has } from "../caffe/message.js";
import { tile } from "../ops/index.js";
import { canonicalAxis, computeLayer } from "./layer.js";

/** Tile: the bottom repeated `tiles` times along `axis`; its gradient is the sum of the copies'. */
export const Tile = computeLayer({
  type: "Tile",
  param: "tile_param",
  bottoms: 1,
  tops: 1,
  caffeMemory: () => ({ readsBottom: "nothing" }),
  lower(site) {
    const { param } = site;
    const x = site.bottoms[0]!;
    const { shape } = x.type;
    const axis = canonicalAxis(site, param.axis, shape.length);
    if (!has(param, "tiles")) throw site.error("tiles is missing", undefined, ["write tiles: N"]);
    if (param.tiles <= 0) throw site.error(`tiles ${param.tiles} must be greater than 0`, "tiles");
    const repeats = shape.map((_, i) => (i === axis ? param.tiles : 1));
    return { tops: [tile(x, repeats)] };
  },
});
