/** Rows of the largest batch of a test, and of the smallest that is worth choosing. */
const LARGEST = 256;
const SMALLEST = 16;

/** Rows of a test's batches that are whole ones: the last of others is filled with rows that were tested already. Undefined where none are. */
export function wholeBatchSize(rows: number): number | undefined {
  for (let size = Math.min(rows, LARGEST); size >= Math.min(rows, SMALLEST); size--) if (rows % size === 0) return size;
  return undefined;
}
