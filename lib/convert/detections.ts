import type { Tensor } from "../data/tensor.js";

/** Comparison of detections: those that both have, as scores and boxes [n,5], and how many one side alone has. */
export interface MatchedDetections {
  readonly actual: Tensor;
  readonly expected: Tensor;
  readonly unmatched: number;
  readonly rows: number;
}

/** Columns of DetectionOutput: image, label, score and the box's corners. */
const WIDTH = 7;
/** Scores and corners (parts of the image) that differ by no more may be the same detection's. */
const NEAR = 0.05;

/**
 * Finds for each row of a DetectionOutput the nearest one of the same image and label on the other side. In half precision and
 * 8 bits scores that are almost equal change places, and boxes that barely overlap suppress one another or not.
 */
export function matchDetections(actual: Tensor, expected: Tensor): MatchedDetections {
  const [ours, theirs] = [rowsOf(actual), rowsOf(expected)];
  const free = new Set(ours);
  const pairs: (readonly [Float32Array, Float32Array])[] = [];
  for (const row of theirs) {
    let [best, least]: [Float32Array | undefined, number] = [undefined, NEAR];
    for (const other of free) {
      if (other[0] !== row[0] || other[1] !== row[1]) continue;
      const distance = row.subarray(2).reduce((most, value, i) => Math.max(most, Math.abs(value - other[i + 2]!)), 0);
      if (distance <= least) [best, least] = [other, distance];
    }
    if (!best) continue;
    free.delete(best);
    pairs.push([best, row]);
  }
  const side = (of: 0 | 1): Tensor => ({
    shape: [pairs.length, WIDTH - 2],
    data: Float32Array.from(pairs.flatMap((pair) => [...pair[of].subarray(2)])),
  });
  const unmatched = theirs.length - pairs.length + free.size;
  return { actual: side(0), expected: side(1), unmatched, rows: theirs.length };
}

const rowsOf = ({ data }: Tensor): readonly Float32Array[] =>
  Array.from({ length: data.length / WIDTH }, (_, i) => data.subarray(i * WIDTH, (i + 1) * WIDTH) as Float32Array);
