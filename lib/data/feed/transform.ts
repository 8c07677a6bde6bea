import type { Mean } from "../../caffe/mean.js";
import { NetrunError } from "../../error.js";
import { count } from "../../graph/type.js";
import { random } from "../../random.js";
import { checkMean, normaliser, type Values } from "./normalise.js";

/** Transform of `transform_param`, ready to be sent to a worker: mean files are read already. */
export interface TransformSpec {
  readonly scale: number;
  readonly mirror: boolean;
  /** 0: no crop. */
  readonly cropSize: number;
  /** None, one for all channels, or one a channel. */
  readonly meanValues: readonly number[];
  readonly meanFile?: string | undefined;
}

/** The transform that changes nothing. */
export const IDENTITY: TransformSpec = {
  scale: 1,
  mirror: false,
  cropSize: 0,
  meanValues: [],
};

/** Context of the transform beside the parameters: phase and the key of its random numbers. */
export interface TransformContext {
  readonly phase: "TRAIN" | "TEST";
  readonly seed: number;
  /** Shard of the rows: shards make different choices. */
  readonly part: number;
  readonly mean?: Mean | undefined;
  /** True if the values are bytes. */
  readonly bytes: boolean;
}

/** Position of a row's crop, and whether it is mirrored. */
export interface TransformChoice {
  readonly mirror: boolean;
  readonly top: number;
  readonly left: number;
}

/** A transform set up for one input shape. */
export interface Transform {
  /** The shape of a row before. */
  readonly takes: readonly number[];
  /** The shape of a transformed row. */
  readonly shape: readonly number[];
  /**
   * Transforms the row that starts at `values[at]` into `out[to]`. `ordinal`, the record's absolute number in the
   * stream, decides what is random.
   */
  apply(values: Values, at: number, out: Float32Array, to: number, ordinal: number): void;
  /** Random choices for a record, by its absolute number. */
  choose(ordinal: number): TransformChoice;
  /** As `apply`, by a given choice. */
  applyChoice(values: Values, at: number, out: Float32Array, to: number, choice: TransformChoice): void;
  /** Transforms `rows` rows that lie one behind the other; there where each element is treated alike, and nothing is random. */
  readonly applyAll?: ((values: Values, at: number, out: Float32Array, to: number, rows: number) => void) | undefined;
}

/**
 * Caffe's data transformation of a row [channels, height, width] (or of any shape where nothing needs an image; or, as C3D has it, of a clip
 * [channels, frames, height, width]):
 * crop, then y = (x - mean) * scale in float32, then mirror left to right. The crop is in the centre in TEST (offsets
 * rounded down) and random in TRAIN; the mirror is random in both phases, as in Caffe. The mean image has the size
 * before the crop. Throws a NetrunError where the parameters do not fit the shape. Source: data_transformer.cpp.
 */
export function transformer(spec: TransformSpec, shape: readonly number[], context: TransformContext): Transform {
  const [channels, height, width] = imageShape(spec, shape);
  const crop = spec.cropSize;
  const [outHeight, outWidth] = crop ? [crop, crop] : [height, width];
  const { mean } = context;
  if (mean) checkMean(spec, mean, shape);
  const frames = shape.length === 4 ? shape[1]! : 1;
  const meanValues =
    spec.meanValues.length > 1 ? spec.meanValues.flatMap((value) => Array(frames).fill(value)) : spec.meanValues;
  const normalise = normaliser({ ...spec, meanValues, channels, mean, bytes: context.bytes });
  const randomCrop = crop > 0 && context.phase === "TRAIN";
  const centre = [Math.floor((height - outHeight) / 2), Math.floor((width - outWidth) / 2)] as const;
  const choose: Transform["choose"] = (ordinal) => {
    // A stream a record, so that what is random for it depends on nothing that came before.
    const draws = randomCrop || spec.mirror ? random(context.seed, context.part, ordinal) : undefined;
    const mirror = spec.mirror && draws!.integer(2) === 1;
    const top = randomCrop ? draws!.integer(height - crop + 1) : centre[0];
    const left = randomCrop ? draws!.integer(width - crop + 1) : centre[1];
    return { mirror, top, left };
  };
  const applyChoice: Transform["applyChoice"] = (values, at, out, to, { mirror, top, left }) => {
    const wholeRows = outHeight === height && outWidth === width;
    for (let c = 0; c < channels; c++) {
      const plane = (c * height + top) * width + left;
      const target = to + c * outHeight * outWidth;
      if (wholeRows) normalise(values, at, plane, outHeight * outWidth, c, out, target);
      else
        for (let h = 0; h < outHeight; h++)
          normalise(values, at, plane + h * width, outWidth, c, out, target + h * outWidth);
    }
    if (mirror)
      for (let row = 0; row < channels * outHeight; row++)
        out.subarray(to + row * outWidth, to + (row + 1) * outWidth).reverse();
  };
  const isAlike = spec.meanValues.length <= 1 && !mean && !spec.mirror && outHeight === height && outWidth === width;
  const n = channels * height * width;
  const applyAll: Transform["applyAll"] = (values, at, out, to, rows) => normalise(values, at, 0, rows * n, 0, out, to);
  return {
    takes: shape,
    shape: crop ? [...shape.slice(0, -2), crop, crop] : shape,
    choose,
    applyChoice,
    apply: (values, at, out, to, ordinal) => applyChoice(values, at, out, to, choose(ordinal)),
    applyAll: isAlike ? applyAll : undefined,
  };
}

/** Planes of an image, or of a clip [channels, frames, height, width], whose frames are cut and mirrored alike, and their sides. */
function imageShape(spec: TransformSpec, shape: readonly number[]): readonly [number, number, number] {
  const crop = spec.cropSize;
  const [h, w] = shape.slice(-2);
  const c = count(shape.slice(0, -2));
  if (shape.length < 3 || shape.length > 4 || h === undefined || w === undefined) {
    if (crop || spec.mirror || spec.meanValues.length > 1)
      throw new NetrunError(
        `transform_param crops, mirrors or has a mean per channel, but a row has the shape [${shape}]`,
        {
          notes: [
            "only images [channels, height, width] and clips [channels, frames, height, width] can be transformed so",
          ],
        },
      );
    return [1, 1, count(shape)];
  }
  if (crop > h || crop > w) throw new NetrunError(`crop_size ${crop} is larger than the data (${h} high, ${w} wide)`);
  return [c, h, w];
}
