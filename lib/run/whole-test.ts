import type { Feed, FeedSpec } from "../data/feed/feed.js";
import type { Tensors } from "../data/tensor.js";
import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import type { LoweredNet } from "../net/lower.js";
import type { Shapes } from "./program.js";

/** A test net, compiled. */
interface TestNet {
  readonly feeds: readonly Pick<Feed, "length" | "shapes">[];
  readonly feedSpecs: readonly FeedSpec[];
  readonly lowered: LoweredNet;
  readonly program: { lower?(shapes: Shapes): LoweredNet };
}

/**
 * Rows of a test of all of its data, where the last batch is not a whole one and the net takes fewer rows, so that each is scored once;
 * undefined where batches are whole ones, and, with a warning, where rows are scored again because the net takes whole batches.
 */
export function rowsOfWholeTest(test: TestNet, onWarning?: (warning: NetrunError) => void): number | undefined {
  const { feeds, feedSpecs } = test;
  const first = feeds.findIndex(({ length }) => Number.isFinite(length));
  if (first < 0) return undefined;
  const rows = feeds[first]!.length;
  const { batchSize } = feedSpecs[first]!;
  const left = rows % batchSize;
  if (left === 0) return undefined;
  const isAlike = feeds.every(
    ({ length, shapes }, i) =>
      length === rows &&
      isCuttable(feedSpecs[i]!, batchSize) &&
      Object.values(shapes).every((shape) => shape[0] === batchSize),
  );
  if (isAlike && takesFewer(test, left)) return rows;
  const warning = new NetrunError(
    `a test of all ${rows} rows scores ${batchSize - left} of them twice: its last batch of ${batchSize} is filled from the start`,
    { notes: ["a batch_size that divides the rows scores each once"] },
  );
  onWarning?.(warning);
  return undefined;
}

const isCuttable = (spec: FeedSpec, batchSize: number): boolean =>
  spec.kind === "records" && spec.batchSize === batchSize && spec.onBadRecord === "fail" && !spec.annotations;

/** Tests whether a net computes the same outputs for fewer rows. */
function takesFewer({ feeds, lowered, program }: Omit<TestNet, "feedSpecs">, left: number): boolean {
  const fewer = new Map([...lowered.inputs].map(([name, { type }]) => [name, type.shape]));
  for (const { shapes } of feeds)
    for (const [top, shape] of Object.entries(shapes)) if (fewer.has(top)) fewer.set(top, [left, ...shape.slice(1)]);
  try {
    const net = program.lower?.(fewer);
    const sizeOf = ({ blobs }: LoweredNet, name: string) => count(blobs.get(name)!.type.shape);
    return net !== undefined && lowered.outputs.every((name) => sizeOf(net, name) === sizeOf(lowered, name));
  } catch (error) {
    if (error instanceof NetrunError) return false;
    throw error;
  }
}

/** The first rows of a batch. */
export const firstRows = (batch: Tensors, rows: number): Tensors =>
  Object.fromEntries(
    Object.entries(batch).map(([name, { shape, data }]) => [
      name,
      { shape: [rows, ...shape.slice(1)], data: data.subarray(0, (data.length / shape[0]!) * rows) },
    ]),
  );
