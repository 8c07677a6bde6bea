/** Damages a copy of bytes, always in the same way for a seed. */
export type Damage = (bytes: Uint8Array, seed: number) => Uint8Array;

/** Files of a format, and the reader that gets them damaged. */
export interface FuzzCase {
  /** Sound files, which have to be read. */
  readonly wholes: readonly Uint8Array[];
  /** Kinds of damage, in turn; by default as binary files. */
  readonly damages?: readonly Damage[];
  /** Reads a file, or throws NetrunError. */
  read(bytes: Uint8Array, seed: number): unknown;
}

/** A reader of files of one format. */
export interface FuzzReader {
  readonly name: string;
  /** The modules of lib/ that open files of that format. */
  readonly modules: readonly string[];
  /** Processor milliseconds that no file may take, where that is less than the time for all. */
  readonly cpuLimitMs?: number;
  /** Makes its files in a folder of its own. */
  open(folder: string): Promise<FuzzCase>;
}
