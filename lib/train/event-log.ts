import { NetrunError } from "../error.js";
import { EVENT_VERSION, eventSchemas, isEventKind, parseEvent, type TrainEvent } from "./events.js";
import { scoresOf } from "./scores.js";

/**
 * Events in files: `--log-json` has one record a line, `--log-csv` rows of numbers. Both are written and read here, so that no
 * reader guesses. A record is an event with `seconds` since the start of the log, in snake_case and without nested groups.
 */

/** An event, and when it happened. */
export interface Logged {
  readonly seconds: number;
  readonly event: TrainEvent;
}

/** Names of fields in records that are not just the event's in snake_case. */
const NAMES: Readonly<Record<string, string>> = { kind: "event", rate: "lr", "error.message": "error" };
/** Groups whose fields stand in the record itself. */
const GROUPS = new Set(["times", "paths", "error"]);

const nameOf = (path: string) =>
  NAMES[path] ?? path.replace(/^.*\./, "").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

type Entries = Readonly<Record<string, { readonly type: string; readonly entries?: Entries }>>;
type Plain = Readonly<Record<string, unknown>>;

/** A field of an event, and where it stands in a record. */
interface Column {
  readonly field: string;
  readonly isOptional: boolean;
  /** Its name in the record; of a group the fields in it with theirs. */
  readonly name: string;
  readonly group: readonly (readonly [inner: string, name: string])[] | undefined;
}

/** Columns by kind: a log has a line an iteration, and names are put together once. */
const columns = new Map<TrainEvent["kind"], readonly Column[]>();

function columnsOf(kind: TrainEvent["kind"]): readonly Column[] {
  const known = columns.get(kind);
  if (known) return known;
  const made = Object.entries(eventSchemas[kind].entries as unknown as Entries).map(([field, { type, entries }]) => ({
    field,
    isOptional: type === "optional",
    name: nameOf(field),
    group: GROUPS.has(field)
      ? Object.keys(entries!).map((inner) => [inner, nameOf(`${field}.${inner}`)] as const)
      : undefined,
  }));
  columns.set(kind, made);
  return made;
}

/** The line of an event in a JSON log, with its end. A field that an event does not have is null there. */
export function jsonLine({ seconds, event }: Logged): string {
  const record: Record<string, unknown> = { seconds };
  for (const { field, name, group } of columnsOf(event.kind)) {
    const value = (event as Plain)[field] ?? null;
    if (!group) record[name] = value;
    else for (const [inner, own] of group) record[own] = (value as Plain)[inner];
  }
  return `${JSON.stringify(record)}\n`;
}

/** Reads a line of a JSON log; undefined for events that this version does not know. Throws NetrunError for a damaged one. */
export function readJsonLine(line: string): Logged | undefined {
  let record: Plain;
  try {
    record = JSON.parse(line) as Plain;
  } catch (cause) {
    throw new NetrunError("not a line of JSON", { cause });
  }
  const { event: kind, seconds, v } = record;
  if (kind === "start" && v !== EVENT_VERSION)
    throw new NetrunError(`a log of version ${JSON.stringify(v)}, this netrun reads version ${EVENT_VERSION}`);
  if (!isEventKind(kind)) return undefined;
  const event: Record<string, unknown> = {};
  for (const { field, isOptional, name, group } of columnsOf(kind)) {
    const value = group ? Object.fromEntries(group.map(([inner, own]) => [inner, record[own]])) : record[name];
    if (value !== undefined && !(value === null && isOptional)) event[field] = value;
  }
  if (typeof seconds !== "number") throw new NetrunError(`the event "${kind}" has no seconds`);
  return { seconds, event: parseEvent(event) };
}

/** One number of a CSV log. */
export interface CsvRow {
  readonly seconds: number;
  readonly iteration: number;
  readonly phase: "train" | "test";
  /** Index of the test net; 0 for the train net. */
  readonly net: number;
  /** `loss`, `smoothed_loss` and `lr` of the train net, outputs of a test net. */
  readonly name: string;
  readonly value: number;
}

const COLUMNS = ["seconds", "iteration", "phase", "net", "name", "value"] as const satisfies (keyof CsvRow)[];

/** The first line of a CSV log. */
export const CSV_HEADER = `${COLUMNS.join(",")}\n`;

/** The lines of an event in a CSV log; none for most kinds. */
export const csvLines = (logged: Logged): string =>
  rowsOf(logged)
    .map((row) => `${COLUMNS.map((column) => row[column]).join(",")}\n`)
    .join("");

/** Reads a line of a CSV log after its first. Throws NetrunError for a damaged one. */
export function readCsvLine(line: string): CsvRow {
  const [seconds, iteration, phase, net, ...rest] = line.split(",");
  // Blob names may have commas.
  const row = { seconds: Number(seconds), iteration: Number(iteration), net: Number(net), value: Number(rest.at(-1)) };
  const isWhole = (phase === "train" || phase === "test") && rest.length >= 2 && rest.at(-1) !== "";
  if (!isWhole || ![row.seconds, row.iteration, row.net].every(Number.isFinite))
    throw new NetrunError(`not a line of the columns ${COLUMNS.join(",")}`);
  return { ...row, phase, name: rest.slice(0, -1).join(",") };
}

function rowsOf({ seconds, event }: Logged): readonly CsvRow[] {
  const at = { seconds, iteration: event.iteration };
  if (event.kind === "iteration") {
    const { loss, smoothedLoss, rate } = event;
    return Object.entries({ loss, smoothed_loss: smoothedLoss, lr: rate }).map(([name, value]) => ({
      ...at,
      phase: "train",
      net: 0,
      name,
      value,
    }));
  }
  if (event.kind !== "test") return [];
  return scoresOf(event).map(([name, value]) => ({ ...at, phase: "test", net: event.net, name, value }));
}
