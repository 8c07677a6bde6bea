import { NetrunError } from "../../error.js";
import type { DataSource } from "./source.js";

/** The error that known failures of a source are. */
export function knownFailure({ count, first }: NonNullable<DataSource["failures"]>): NetrunError {
  const { message, notes } = failureError(first);
  const others = count > 1 ? [`${count} records cannot be used`] : [];
  const way = "--on-bad-record skip skips such rows";
  return new NetrunError(message, { notes: [...notes, ...others, way] });
}

/** The error that a source's words on a row are: a message, then notes, a line each. */
export function failureError(words: string): NetrunError {
  const [message = "", ...notes] = words.split("\n");
  return new NetrunError(message, { notes });
}
