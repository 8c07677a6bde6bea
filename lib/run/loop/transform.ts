import { type ByteRows, PLACE } from "../../data/feed/byte-rows.js";
import { constant, constantOf, count, type Value } from "../../graph/index.js";
import { add, cast, gather, mul, reshape, slice, sub } from "../../ops/index.js";

/**
 * Caffe's data transformation on the device: rows of bytes [n, ...row] and where each is cropped and mirrored [n, 3] become values of a shape.
 * The same operations in float32 as a feed's, so the same bits. Entries are picked by one gather at computed places, before the cast where
 * no mean image has to be subtracted from whole rows.
 */
export function transformed(
  { shape: row, transform, mean }: ByteRows,
  pixels: Value,
  places: Value,
  shape: readonly number[],
): Value {
  const { scale, meanValues, cropSize, mirror } = transform;
  const whole = mean ? sub(cast(pixels, "float32"), constant(mean.data, [1, ...row])) : pixels;
  const picked = cropSize > 0 || mirror ? pick(whole, row, places, shape, mirror) : reshape(whole, shape);
  let values = cast(picked, "float32");
  if (meanValues.length === 1) values = sub(values, constant(meanValues[0]!));
  else if (meanValues.length > 1) {
    const channels = constant(Float32Array.from(meanValues), [1, meanValues.length, 1, 1]);
    values = sub(values, channels);
  }
  return Math.fround(scale) === 1 ? values : mul(values, constant(scale));
}

/** The entries of x [n, c, h, w] that crops and mirrors leave, in their order. */
function pick(
  x: Value,
  [channels, height, width]: readonly number[],
  places: Value,
  shape: readonly number[],
  mirror: boolean,
): Value {
  const [n, , rows, columns] = shape as [number, number, number, number];
  const whole = (length: number, of: (i: number) => number, dims: readonly number[]) =>
    constantOf(
      "int32",
      Int32Array.from({ length }, (_, i) => of(i)),
      dims,
    );
  const number = (value: number) => whole(1, () => value, []);
  const placeOf = (i: number) => cast(reshape(slice(places, 1, i, i + 1), [n, 1, 1, 1]), "int32");
  const [top, left, isMirrored] = Array.from({ length: PLACE }, (_, i) => placeOf(i)) as [Value, Value, Value];
  const planes = whole(n * channels!, (i) => i * height! * width!, [n, channels!, 1, 1]);
  const row = mul(
    add(
      top,
      whole(rows, (i) => i, [1, 1, rows, 1]),
    ),
    number(width!),
  );
  // From the right where it is mirrored: left + columns - 1 - j in place of left + j.
  const ahead = add(
    left,
    whole(columns, (j) => j, [1, 1, 1, columns]),
  );
  const back = mul(
    isMirrored,
    whole(columns, (j) => columns - 1 - 2 * j, [1, 1, 1, columns]),
  );
  const column = mirror ? add(ahead, back) : ahead;
  return gather(reshape(x, [count(x.type.shape)]), add(add(planes, row), column), 0);
}
