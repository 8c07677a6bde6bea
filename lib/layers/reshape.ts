import { sub } from "../caffe/message.js";
import type { ReshapeParameter } from "../caffe/messages.js";
import { count } from "../graph/index.js";
import { reshape } from "../ops/index.js";
import { SAME_MEMORY } from "./caffe-memory.js";
import { computeLayer, forbidInPlace, type Place } from "./layer.js";

/**
 * Reshape: the same values with the `num_axes` axes from `axis` on (-1: all that follow) replaced by the dims of `shape`. A dim of
 * 0 copies the bottom's at the same place; one -1 is inferred from the count. A negative `axis` counts from behind the last axis,
 * so that -1 appends. Not in place.
 */
export const Reshape = computeLayer({
  type: "Reshape",
  param: "reshape_param",
  bottoms: 1,
  tops: 1,
  caffeMemory: () => SAME_MEMORY,
  lower(site) {
    forbidInPlace(site);
    return { tops: [reshape(site.bottoms[0]!, topShape(site))] };
  },
});

function topShape(site: Place<ReshapeParameter>): readonly number[] {
  const { shape } = site.bottoms[0]!.type;
  const [start, end] = replacedAxes(site, shape.length);
  const dims = sub(site.param, "shape").dim.map((dim, i) => {
    if (dim < -1) throw site.error(`a dim of ${dim}`, "shape", ["0 copies the bottom's dim, -1 is inferred"]);
    if (dim !== 0) return dim;
    const copied = shape[start + i];
    if (copied === undefined)
      throw site.error(`dim ${i} of shape is 0, but the bottom has no axis ${start + i} to copy`, "shape");
    return copied;
  });
  const inferred = dims.indexOf(-1);
  if (inferred !== dims.lastIndexOf(-1))
    throw site.error("more than one -1 in shape", "shape", ["one dim can be inferred"]);
  const known = count(shape, 0, start) * count(dims.filter((dim) => dim !== -1)) * count(shape, end);
  const total = count(shape);
  if (inferred >= 0) {
    // Where a Filter above keeps nothing, its batch of 0 counts as 1: the dim is the same for a batch of any size.
    const size = (of: readonly number[]) => count(of.map((dim) => (total === 0 && dim === 0 ? 1 : dim)));
    const others = size([...shape.slice(0, start), ...dims.filter((dim) => dim !== -1), ...shape.slice(end)]);
    if (size(shape) % others !== 0) {
      throw site.error(
        `the ${total} values of [${shape}] are not a multiple of the ${known} that the other dims make`,
        "shape",
      );
    }
    dims[inferred] = size(shape) / others;
  } else if (known !== total) {
    throw site.error(
      `[${shape}] has ${total} values, [${[...shape.slice(0, start), ...dims, ...shape.slice(end)]}] has ${known}`,
      "shape",
    );
  }
  return [...shape.slice(0, start), ...dims, ...shape.slice(end)];
}

/** The range of the bottom's axes that `shape` replaces. */
function replacedAxes(site: Place<ReshapeParameter>, rank: number): readonly [start: number, end: number] {
  const { axis, num_axes } = site.param;
  const start = axis >= 0 ? axis : rank + axis + 1;
  if (start < 0 || start > rank) {
    throw site.error(`axis ${axis} is out of range for a blob of ${rank} axes`, "axis", [
      `axes here go from ${-rank - 1} to ${rank}, the place behind the last one included`,
    ]);
  }
  if (num_axes < -1) throw site.error(`num_axes ${num_axes} is neither a number of axes nor -1 for all`, "num_axes");
  const end = num_axes === -1 ? rank : start + num_axes;
  if (end > rank)
    throw site.error(`axis ${start} and ${num_axes} axes go beyond the ${rank} axes of the bottom`, "num_axes");
  return [start, end];
}
