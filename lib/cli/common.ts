import type { NetrunError } from "../error.js";
import type { Provider, SessionOptions } from "../onnx/session.js";

/** Items of a flag that takes several with commas between. */
export const listOf = (value: string | undefined): readonly string[] =>
  value === undefined ? [] : value.split(",").filter((item) => item !== "");

/** Session options from the flags that every running verb has. */
export function sessionOf(args: { readonly threads?: number; readonly provider?: string }): SessionOptions {
  return {
    ...(args.threads !== undefined && { threads: args.threads }),
    ...(args.provider !== undefined && { provider: args.provider as Provider }),
  };
}

/** Prints a warning on stderr. */
export function warn(warning: NetrunError): void {
  process.stderr.write(`warning: ${warning.format()}\n`);
}
