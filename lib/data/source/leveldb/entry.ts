/** A key with what was written to it at one time: a value, or none where it was deleted. */
export interface Entry {
  readonly key: Buffer;
  /** Of entries with one key the one with the highest number counts. */
  readonly sequence: number;
  readonly value: Buffer | undefined;
}

/** The order of LevelDB's files: keys as bytes, of one key the latest first. */
export function compareEntries(a: Entry, b: Entry): number {
  return Buffer.compare(a.key, b.key) || b.sequence - a.sequence;
}
