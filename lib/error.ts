/** A place in a text: which source, and the half-open range of offsets in it. */
export interface Span {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

/** A named text. Line and column are found only when an error needs them. */
export interface Source {
  readonly name: string;
  readonly text: string;
}

/** A 1-based line and column (in UTF-16 units, a tab counts as one). */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Details of an error besides its message. */
export interface ErrorDetail {
  readonly span?: Span | undefined;
  /** A file that the error is about, where there is no span in it (binary files). */
  readonly file?: string | undefined;
  readonly notes?: readonly string[];
  readonly cause?: unknown;
  /** True if nothing is wrong with what the error is about, but netrun does not have it. */
  readonly unsupported?: boolean;
}

/**
 * The one error class for what a user can mend: a message, where it is, and what to do about it.
 * Anything else that is thrown is a bug of netrun.
 */
export class NetrunError extends Error {
  readonly span: Span | undefined;
  readonly file: string | undefined;
  readonly notes: readonly string[];
  readonly unsupported: boolean;

  constructor(message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = "NetrunError";
    this.span = detail.span;
    this.file = detail.file;
    this.notes = detail.notes ?? [];
    this.unsupported = detail.unsupported ?? false;
  }

  /** `file:line:column: message`, the excerpt with a caret, then the notes; what the command line prints. */
  format(): string {
    const lines: string[] = [];
    if (this.span) {
      const { line, column } = positionOf(this.span);
      lines.push(
        `${this.span.source.name}:${line}:${column}: ${cut(this.message)}`,
        ...excerpt(this.span, line, column),
      );
    } else {
      lines.push(this.file === undefined ? cut(this.message) : `${this.file}: ${cut(this.message)}`);
    }
    for (const note of this.notes) lines.push(`note: ${cut(note)}`);
    return lines.join("\n");
  }
}

/** Offsets at which the lines of a text start, found once: a text may have thousands of warnings. */
const lineStarts = new WeakMap<Source, readonly number[]>();

function linesOf(source: Source): readonly number[] {
  let starts = lineStarts.get(source);
  if (!starts) {
    const found = [0];
    for (let at = source.text.indexOf("\n"); at >= 0; at = source.text.indexOf("\n", at + 1)) found.push(at + 1);
    lineStarts.set(source, found);
    starts = found;
  }
  return starts;
}

/** Start of a span. */
export function positionOf({ source, start }: Span): Position {
  const starts = linesOf(source);
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= start) low = middle;
    else high = middle;
  }
  return { line: low + 1, column: start - starts[low]! + 1 };
}

/** Longest message and note shown: names and shapes in them come from files, and may be of any length. */
const MESSAGE_LENGTH = 4000;

const cut = (text: string): string =>
  text.length > MESSAGE_LENGTH ? `${text.slice(0, MESSAGE_LENGTH)}... (${text.length} characters)` : text;

/** Longest excerpt shown: prototxts with a mean file on one line exist. */
const EXCERPT_COLUMNS = 120;

function excerpt(span: Span, line: number, column: number): string[] {
  const { text } = span.source;
  const start = span.start - column + 1;
  const newline = text.indexOf("\n", span.start);
  const rest = text.slice(start, newline < 0 ? undefined : newline);
  const whole = rest.endsWith("\r") ? rest.slice(0, -1) : rest;
  const skipped = column > EXCERPT_COLUMNS ? column - 1 - EXCERPT_COLUMNS / 2 : 0;
  const shown = whole.slice(skipped, skipped + EXCERPT_COLUMNS);
  const gutter = `  ${line} | `;
  const offset = column - 1 - skipped;
  const width = Math.max(1, Math.min(span.end - span.start, shown.length - offset));
  // Tabs stay tabs so that the caret stands under its token at any tab width.
  const indent = shown.slice(0, offset).replace(/[^\t]/g, " ");
  return [gutter + shown, `${" ".repeat(gutter.length - 2)}| ${indent}${"^".repeat(width)}`];
}

/**
 * The candidate nearest to a misspelt word by edit distance, or undefined where none is near
 * (more than a third of its letters differ). Case counts as half an edit, and for nothing where all else is the same.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, word.length / 3) + 0.001;
  for (const candidate of candidates) {
    if (candidate.toLowerCase() === word.toLowerCase()) return candidate;
    if (Math.abs(candidate.length - word.length) > bestDistance) continue;
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const sameLetter = a[i - 1]!.toLowerCase() === b[j - 1]!.toLowerCase();
      const replace = last[j - 1]! + (same ? 0 : sameLetter ? 0.5 : 1);
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, replace);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
