import type { LayerParameter } from "../caffe/messages.js";
import type { GivenRows } from "../data/feed/given-rows.js";
import type { SourceSpec } from "../data/source/open.js";
import { NetrunError } from "../error.js";
import { findType, isDataLayer, type PhaseName, type PluginRows, registeredTypes } from "../layers/index.js";
import { spanOf } from "../text/notes.js";

/** Milliseconds of reading rows after which a user may wonder what is happening. */
const NOTICE_AFTER_MS = 30_000;

/** Rows between looks at the clock. */
const STEP = 256;

/** Part of a net's context that reading plugins' rows needs. */
interface RowsContext {
  readonly rows?: GivenRows | undefined;
  readonly seed: number;
  /** Shapes of tops that are fed from outside. */
  readonly shapes: Readonly<Record<string, unknown>>;
  readonly pathOf: (layer: LayerParameter, name: string) => string;
  readonly onWarning?: ((warning: NetrunError) => void) | undefined;
}

/**
 * The rows that plugins give, as sources by layer; one that gives rows for half a minute is warned about, since rows have to end.
 * Throws a NetrunError, located, where there are none.
 */
export async function pluginRows(
  layers: readonly LayerParameter[],
  phase: PhaseName,
  { rows, seed, shapes, pathOf, onWarning }: RowsContext,
): Promise<ReadonlyMap<LayerParameter, SourceSpec>> {
  const sources = new Map<LayerParameter, SourceSpec>();
  for (const layer of layers) {
    const type = findType(layer, registeredTypes());
    if (!rows || !type || !isDataLayer(type) || !type.rows) continue;
    if (layer.top.every((top) => Object.hasOwn(shapes, top))) continue;
    const place = { layer, phase, seed, path: (name: string) => pathOf(layer, name) };
    const span = spanOf(layer);
    const notice = (count: number) =>
      onWarning?.(
        new NetrunError(`layer "${layer.name}": its plugin has given ${count} rows so far, and goes on`, {
          span,
          notes: ["they are stored in a temporary file before training begins: rows() has to end"],
        }),
      );
    const given = () => {
      const all: unknown = type.rows!(place);
      if (isIterable(all)) return watched(all, notice);
      throw new NetrunError(`its plugin's rows() gives ${String(all)}, which is no iterable`);
    };
    try {
      sources.set(layer, (await rows.resolve(given, `layer "${layer.name}": `)) as SourceSpec);
    } catch (cause) {
      const { message } = cause as Error;
      const notes = (cause instanceof NetrunError && cause.notes) || ["its rows come from a plugin"];
      throw new NetrunError(`layer "${layer.name}": ${message}`, { span, notes, cause });
    }
  }
  return sources;
}

const isIterable = (value: unknown): value is PluginRows =>
  typeof value === "object" && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);

/** Rows as they come, each an object; `notice` is called once with their number, if they have come for half a minute. */
export async function* watched(
  rows: PluginRows,
  notice: (count: number) => void,
  now: () => number = Date.now,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const start = now();
  let [count, isNoticed] = [0, false];
  for await (const row of rows as AsyncIterable<unknown>) {
    if (typeof row !== "object" || row === null || Array.isArray(row))
      throw new NetrunError(`row ${count} is ${Array.isArray(row) ? "a list" : String(row)}`, {
        notes: ["a row is an object with a value for each top: { data, label }"],
      });
    yield row as Readonly<Record<string, unknown>>;
    count++;
    if (isNoticed || count % STEP !== 0 || now() - start < NOTICE_AFTER_MS) continue;
    isNoticed = true;
    notice(count);
  }
}
