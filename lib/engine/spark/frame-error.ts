import { NetrunError } from "../../error.js";

/** Spark's message for a DataFrame that it cannot read, without its classes and plans. */
export function frameError(frame: string, reason: string): NetrunError {
  const [first = "", ...rest] = reason.split("\n");
  const message = first.replace(/^([\w$]+\.)+[\w$]+(Exception|Error): /, "").replace(/ SQLSTATE: \w+$/, "");
  return new NetrunError(`${frame}: ${message}`, { notes: rest.map((line) => line.trim()).filter(isWords) });
}

/** Tests whether a line is one for people: not a plan, a place in SQL or a stack. */
const isWords = (line: string): boolean => /^[A-Z"[].*[\w.)\]]$/.test(line) && !/^(at |'|\+-|==)/.test(line);
