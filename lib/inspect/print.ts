import type { LayerSummary, NetSummary, ParameterSummary, TopSummary } from "./summary.js";

/** Longest cell that others are aligned with: padded to a cell of thousands of names, each row of a net would be that long. */
const ALIGNED = 200;

/** Rows as lines of aligned columns, those of `right` flush right; cells of more than 200 characters go beyond their column. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((most, { [column]: cell }) => (cell!.length > ALIGNED ? most : Math.max(most, cell!.length)), 0),
  );
  return rows.map((row) =>
    row
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}

/** 1234567 as "1,234,567". By hand: the first toLocaleString of a process loads tables for 30 ms. */
export const grouped = (whole: number): string => String(whole).replace(/\B(?=(?:\d{3})+$)/g, ",");

/** Bytes in the unit that leaves up to three digits before the point. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  const power = Math.min(units.length, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${units[power - 1]}`;
}

const shapeText = (shape: readonly number[]) => `[${shape.join(", ")}]`;
const hasShape = ({ shape }: TopSummary) => shape !== undefined;
const topText = ({ name, shape }: TopSummary) => (shape ? `${name} ${shapeText(shape)}` : name);

/** A net as text: its layers in a table, then the sums. */
export function printNet(net: NetSummary): string[] {
  const fieldText = ({ receptiveField: field }: LayerSummary) =>
    field ? `${field.size.join("x")}/${field.stride.join("x")}` : "";
  const rows = net.layers.map((layer) => [
    layer.name,
    layer.type + (layer.inPlace ? " (in place)" : ""),
    layer.bottoms.join(", "),
    layer.tops.map(topText).join(", "),
    layer.blobs.map(blobText).join(" "),
    layer.multiplyAdds > 0 ? grouped(layer.multiplyAdds) : "",
    fieldText(layer),
  ]);
  const header = ["layer", "type", "bottoms", "tops", "parameters", "multiply-adds", "sees/step"];
  const isKnown = net.complete || net.layers.some(({ bottoms, tops }) => bottoms.length > 0 && tops.some(hasShape));
  const columns = isKnown ? header.length : 4;
  return [
    `net ${net.name === "" ? "(no name)" : net.name}, phase ${net.phase}: ${net.layers.length} layers`,
    ...table(
      [header, ...rows].map((row) => row.slice(0, columns)),
      [5],
    ),
    ...(isKnown ? totals(net) : []),
    ...net.notes.map((note) => `note: ${note}`),
  ];
}

function blobText({ shape, sharedWith }: ParameterSummary): string {
  return sharedWith === undefined ? shapeText(shape) : `${shapeText(shape)} of ${sharedWith}`;
}

function totals(net: NetSummary): string[] {
  return [
    `inputs         ${net.inputs.map(topText).join(", ")}`,
    `outputs        ${net.outputs.map(topText).join(", ")}`,
    `parameters     ${grouped(net.parameters)} (${bytesText(net.parameterBytes)})${net.complete ? "" : ", of the layers whose shapes are known"}`,
    `multiply-adds  ${grouped(net.multiplyAdds)} for a batch`,
    `memory         ${bytesText(net.blobBytes)} for the blobs of a batch; training about twice blobs and parameters`,
  ];
}

/** Notes on numbers. */
export interface ValueStatistics {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Root mean square. */
  readonly rms: number;
  /** Numbers that are inf or nan; the others do not count them. */
  readonly broken: number;
}

/** Statistics of a blob's values. */
export function statistics(values: Float32Array): ValueStatistics {
  let [min, max, sum, squares, broken] = [Infinity, -Infinity, 0, 0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) {
      broken++;
      continue;
    }
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    squares += value * value;
  }
  const n = values.length - broken;
  return n === 0
    ? { min: 0, max: 0, mean: 0, rms: 0, broken }
    : { min, max, mean: sum / n, rms: Math.sqrt(squares / n), broken };
}

const STATISTICS = ["min", "max", "mean", "rms"] as const;

/** Shape and values of a blob in a file. */
export interface BlobSummary extends ValueStatistics {
  readonly shape: readonly number[];
}

/** A weights file: its layers and what their blobs hold. */
export interface WeightsSummary {
  readonly name: string;
  readonly layers: readonly {
    readonly name: string;
    readonly type: string;
    readonly blobs: readonly BlobSummary[];
  }[];
}

/** Named blobs as text: shape and statistics. */
export function printBlobs(blobs: readonly (readonly [name: string, blob: BlobSummary])[]): string[] {
  const rows = blobs.map(([name, { shape, ...values }]) => {
    const numbers = STATISTICS.map((key) => String(Number(values[key].toPrecision(4))));
    return [name, shapeText(shape), ...numbers, values.broken > 0 ? `${grouped(values.broken)} inf or nan` : ""];
  });
  return table([["blob", "shape", ...STATISTICS, ""], ...rows], [2, 3, 4, 5]);
}

/** A weights file as text. */
export function printWeights({ name, layers }: WeightsSummary): string[] {
  const blobs = layers.flatMap((layer) => layer.blobs.map((blob, i) => [`${layer.name}/${i}`, blob] as const));
  const count = blobs.reduce((sum, [, { shape }]) => sum + shape.reduce((size, each) => size * each, 1), 0);
  return [`weights ${name}: ${layers.length} layers, ${grouped(count)} parameters`, ...printBlobs(blobs)];
}
