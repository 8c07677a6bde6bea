import { styleText } from "node:util";

const COLOURS = { test: "cyan", good: "green", warning: "yellow", error: "red" } as const;

/** Kinds of lines that commands show in colours of their own, alike in all of them. */
export type LineKind = keyof typeof COLOURS;

/** A text's first line in the colour of its kind, on a terminal; as it is elsewhere and where NO_COLOR is set. */
export function coloured(text: string, kind: LineKind, stream: { readonly isTTY?: boolean }): string {
  if (!stream.isTTY || process.env["NO_COLOR"]) return text;
  const end = text.indexOf("\n");
  const [first, rest] = end < 0 ? [text, ""] : [text.slice(0, end), text.slice(end)];
  // The stream was looked at: Node would look at stdout.
  return styleText(COLOURS[kind], first, { validateStream: false }) + rest;
}
