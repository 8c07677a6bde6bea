import { NetrunError } from "../../error.js";
import type { Image } from "../image/image.js";

/** Identity of a row: its number in the source and epoch, and its absolute number in the stream. */
export interface RecordId {
  readonly epoch: number;
  readonly index: number;
  readonly ordinal: number;
}

/** An error about one row, on its way to be given a name. */
export class BadRow {
  constructor(
    readonly error: NetrunError,
    readonly record: RecordId,
  ) {}
}

export const recordAt = ({ epoch, index, ordinal }: RecordId, i: number): RecordId => ({
  epoch,
  index: index + i,
  ordinal: ordinal + i,
});

/** The next image; where it does not decode, the row is bad. */
export async function decodedOr(next: () => Image | Promise<Image>, record: RecordId): Promise<Image> {
  try {
    return await next();
  } catch (error) {
    throw error instanceof NetrunError ? new BadRow(error, record) : error;
  }
}
