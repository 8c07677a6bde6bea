import type { BiasParameter, ScaleParameter } from "../caffe/messages.js";
import type { Value } from "../graph/index.js";
import { reshape } from "../ops/index.js";
import { canonicalAxis, type Place } from "./layer.js";

/** The shape of the blob of a Scale or Bias layer: `numAxes` axes of the bottom from `axis` on, -1 for all that follow. */
export function broadcastBlobShape(
  place: Place<ScaleParameter | BiasParameter>,
  numAxes: number = place.param.num_axes,
): readonly number[] {
  const { shape } = place.bottoms[0]!.type;
  const axis = canonicalAxis(place, place.param.axis, shape.length);
  if (numAxes < -1) throw place.error(`num_axes ${numAxes} is neither a number of axes nor -1 for all`, "num_axes");
  if (numAxes > shape.length - axis) {
    throw place.error(
      `${numAxes} axes from axis ${axis} on go beyond the ${shape.length} axes of [${shape}]`,
      "num_axes",
    );
  }
  return shape.slice(axis, numAxes === -1 ? undefined : axis + numAxes);
}

/**
 * A blob with axes added at its end so that it broadcasts over the first bottom from `axis` on; a scalar does anyhow.
 * Throws, at the second bottom, if its dims are not the first one's.
 */
export function alongBottom(place: Place<ScaleParameter | BiasParameter>, blob: Value): Value {
  const { shape } = place.bottoms[0]!.type;
  const dims = blob.type.shape;
  if (dims.length === 0) return blob;
  const axis = canonicalAxis(place, place.param.axis, shape.length);
  if (axis + dims.length > shape.length || dims.some((dim, i) => dim !== shape[axis + i])) {
    throw place.bottomError(1, `[${dims}] does not match [${shape}] from axis ${axis} on`);
  }
  return reshape(blob, [...dims, ...Array<number>(shape.length - axis - dims.length).fill(1)]);
}
