import { NetrunError, type Span } from "./error.js";

/** An error as plain data: structured cloning drops the class and the fields of errors. */
export interface WireError {
  readonly message: string;
  readonly stack: string | undefined;
  /** Of what a user can mend. */
  readonly user?: {
    readonly span: Span | undefined;
    readonly file: string | undefined;
    readonly notes: readonly string[];
  };
}

/** Packs an error to send it to another thread or process. */
export function packError(error: unknown): WireError {
  if (!(error instanceof Error)) return { message: String(error), stack: undefined };
  const { message, stack } = error;
  if (!(error instanceof NetrunError)) return { message, stack };
  const { span, file, notes } = error;
  return { message, stack, user: { span, file, notes } };
}

/** The error that was packed; its stack is the one of where it was thrown. */
export function unpackError({ message, stack, user }: WireError): Error {
  const error = user ? new NetrunError(message, user) : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
