import type { Source, Span } from "../error.js";

/** A named text, without the byte order mark that some editors put in front. */
export function makeSource(name: string, text: string): Source {
  return { name, text: text.startsWith("\uFEFF") ? text.slice(1) : text };
}

/** The half-open range [start, end) of a source. */
export function spanAt(source: Source, start: number, end: number): Span {
  return { source, start, end };
}
