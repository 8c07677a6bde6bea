import type { Source, Span } from "../error.js";
import { spanAt } from "./source.js";

/**
 * A field that the schema does not know, or a value that it does not know of an enum, as it was written; a list stands for several.
 * `place` has the offsets where it starts and ends in the source of its message.
 */
export type UnknownField = { readonly name: string; readonly place?: readonly [start: number, end: number] } & (
  | { readonly text: string }
  | { readonly fields: readonly UnknownField[] }
);

/** Notes on a message besides its fields. */
interface Notes {
  source: Source | undefined;
  start: number;
  end: number;
  /** By field name, two offsets per occurrence: where its value (of a message: its name) starts and ends. */
  readonly fields: Map<string, number[]>;
  readonly unknown: UnknownField[];
}

// Beside the messages instead of in them: two messages are equal wherever they stand.
const table = new WeakMap<object, Notes>();

function notesOf(message: object): Notes {
  let notes = table.get(message);
  if (!notes) {
    notes = { source: undefined, start: 0, end: 0, fields: new Map(), unknown: [] };
    table.set(message, notes);
  }
  return notes;
}

/** Notes where a message stands in its source, from its field name to its closing brace. */
export function noteMessage(message: object, source: Source, start: number, end: number): void {
  Object.assign(notesOf(message), { source, start, end });
}

/** Notes that a message made anew stands for a place in a text. */
export function noteSpan(message: object, span: Span | undefined): void {
  if (span) noteMessage(message, span.source, span.start, span.end);
}

/** Notes where the next value of a field stands. */
export function noteField(message: object, field: string, start: number, end: number): void {
  const { fields } = notesOf(message);
  const offsets = fields.get(field);
  if (offsets) offsets.push(start, end);
  else fields.set(field, [start, end]);
}

/** Keeps a field that the schema does not know. */
export function noteUnknown(message: object, field: UnknownField): void {
  notesOf(message).unknown.push(field);
}

/** The fields of a message that the schema does not know, in order. */
export function unknownFields(message: object): readonly UnknownField[] {
  return table.get(message)?.unknown ?? [];
}

/** Forgets the unknown fields of a message that have a name: they have become something else. */
export function dropUnknown(message: object, name: string): void {
  const notes = table.get(message);
  const kept = notes?.unknown.filter((field) => field.name !== name) ?? [];
  notes?.unknown.splice(0, notes.unknown.length, ...kept);
}

/** Place of an unknown field of a message, or of a field in it; undefined where it was not read from text. */
export function spanOfUnknown(message: object, { place }: UnknownField): Span | undefined {
  const source = table.get(message)?.source;
  return source && place && spanAt(source, ...place);
}

/**
 * Place of a message, a value of its field or an element of its list; undefined where it was not read from text.
 * A nested message is its whole field, from the name to the closing brace.
 */
export function spanOf(message: object, field?: string, index = 0): Span | undefined {
  const notes = table.get(message);
  if (!notes?.source) return undefined;
  if (field === undefined) return spanAt(notes.source, notes.start, notes.end);
  const offsets = notes.fields.get(field);
  const start = offsets?.[2 * index];
  return start === undefined ? undefined : spanAt(notes.source, start, offsets![2 * index + 1]!);
}

/**
 * Gives a message made from another the places and unknown fields of that one.
 * `renamed` maps names of fields in `from` to their names in `to`; null drops one. Fields that `to` has already noted are kept.
 */
export function carryNotes(from: object, to: object, renamed: Readonly<Record<string, string | null>> = {}): void {
  const old = table.get(from);
  if (!old || from === to) return;
  const notes = notesOf(to);
  if (!notes.source) Object.assign(notes, { source: old.source, start: old.start, end: old.end });
  for (const [name, offsets] of old.fields) {
    const target = Object.hasOwn(renamed, name) ? renamed[name] : name;
    if (target && !notes.fields.has(target)) notes.fields.set(target, offsets);
  }
  // There may be more than fit on the stack as arguments.
  for (const field of old.unknown) notes.unknown.push(field);
}
