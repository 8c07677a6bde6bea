import type { BlobDifference, ConvertReport, FileReport } from "../convert/index.js";
import { NetrunError } from "../error.js";

/** Report of a conversion, a line each. */
export function describeReport(report: FileReport): string {
  const ends = (group: Readonly<Record<string, readonly (number | string)[]>>) =>
    Object.entries(group)
      .map(([name, dims]) => `${name} [${dims.join(", ")}]`)
      .join(", ");
  const lines = [
    `${report.path}: opset ${report.opset}, ${report.nodes} nodes, ${(report.bytes / 2 ** 20).toFixed(1)} MB`,
    `  inputs   ${ends(report.inputs)}`,
    `  outputs  ${ends(report.outputs)}`,
  ];
  const folded = Object.values(report.folded).flat().length;
  if (folded > 0) lines.push(`  folded   ${folded} layers into ${Object.keys(report.folded).length} others`);
  if (report.fixedBatch !== undefined) lines.push(`  the batch size is fixed: ${report.fixedBatch}`);
  if (report.missing.length > 0) lines.push(`  filled   ${report.missing.join(", ")} (no weights)`);
  for (const text of report.misshapen) lines.push(`  filled   ${text}`);
  if (report.extra.length > 0) lines.push(`  unused   ${report.extra.join(", ")} (only in the weights)`);
  return [...lines, ...int8Of(report), ...verificationOf(report), ...comparisonOf(report)].join("\n");
}

function int8Of({ int8 }: ConvertReport): readonly string[] {
  if (!int8) return [];
  const left = Object.entries(int8.left).map(([layer, reason]) => `  float    ${layer}: ${reason}`);
  return [`  int8     ${int8.layers.length} layers: ${int8.layers.join(", ")}`, ...left];
}

/** Differences above this part of the largest value are told as noise too, which says more of outputs with a few wrong values. */
const ROUGH = 1e-2;

function verificationOf({ verification, verifiedAt, accuracy, int8 }: ConvertReport): readonly string[] {
  if (verification === undefined) return ["  not verified"];
  return [
    ...verification.map(({ output, absolute, relative, signalToNoise, detections, within }) => {
      const isRough = int8 !== undefined || relative > ROUGH;
      const decibels = isRough && absolute > 0 ? `, ${signalToNoise.toFixed(1)} dB above noise` : "";
      const { rows = 0, unmatched = 0 } = detections ?? {};
      const noise = unmatched > 0 ? `${decibels}; ${rows} detections, ${unmatched} on one side alone` : decibels;
      const text = `largest difference ${absolute.toPrecision(3)}, ${relative.toPrecision(3)} of the largest value${noise}`;
      return `  ${within ? "verified" : "WRONG   "} ${output}: ${text}`;
    }),
    ...(verifiedAt ? [`           written for ${shapesIn(verifiedAt)}: the file's own inputs would take minutes`] : []),
    ...accuracy.map(
      ({ output, rows, net, file }) =>
        `  top-1    ${output}: ${net.toFixed(4)} of the net, ${file.toFixed(4)} of the file, on ${rows} rows`,
    ),
  ];
}

const shapesIn = (shapes: Readonly<Record<string, readonly number[]>>): string =>
  Object.entries(shapes)
    .map(([name, shape]) => `${name} [${shape.join(", ")}]`)
    .join(", ");

function comparisonOf({ comparison }: ConvertReport): readonly string[] {
  if (!comparison) return [];
  const { blobs, skipped } = comparison;
  const widest = blobs.reduce((most, { blob }) => Math.max(most, blob.length), 0);
  return [
    ...blobs.map(({ blob, layer, within, absolute, relative }) => {
      const text = `largest difference ${absolute.toPrecision(3)}, ${relative.toPrecision(3)} of the largest value`;
      return `  ${within ? "compared" : "DIFFERS "} ${blob.padEnd(widest)} (layer "${layer}"): ${text}`;
    }),
    ...(skipped.length > 0 ? [`  recorded, and not in the file: ${skipped.join(", ")}`] : []),
  ];
}

/** Throws NetrunError where verification or comparison found something beyond its bound. */
export function refuseWrong(report: FileReport, wanted: string, reference?: string): void {
  const { path, verification, comparison } = report;
  const notes = path === wanted ? [] : [`it is in ${path} for looking into it; ${wanted} was not written`];
  const wrong = verification?.filter(({ within }) => !within) ?? [];
  if (wrong.length > 0) {
    const outputs = wrong.map(({ output }) => output).join(", ");
    throw new NetrunError(`the file differs from the net: ${outputs}`, { file: path, notes });
  }
  if (comparison?.first) throw differs(comparison.first, reference!, notes);
}

function differs({ blob, layer, from, first, netIsWithin }: BlobDifference, file: string, notes: readonly string[]) {
  const { position, recorded, actual } = first!;
  const where = `blob "${blob}" of layer "${layer}" differs first, at [${position.join(", ")}]`;
  const whose = from === "net" ? "the net computes" : "the written file gives";
  return new NetrunError(`${where}: recorded ${recorded}, ${whose} ${actual}`, {
    file,
    notes: [
      ...(netIsWithin ? ["the net before conversion computes the recorded values: the conversion is wrong"] : []),
      ...notes,
    ],
  });
}
