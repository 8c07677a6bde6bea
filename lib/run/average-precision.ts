import { NetrunError, nearest, type Span } from "../error.js";

/** The ways to make one number of a precision-recall curve, by their names in SSD's solver. */
export const AP_VERSIONS = ["11point", "MaxIntegral", "Integral"] as const;
export type ApVersion = (typeof AP_VERSIONS)[number];

/** Numbers of a row that DetectionEvaluate gives. */
const ROW = 5;
/** Recalls that differ by less are one. */
const EPSILON = 1e-6;

/** Average precisions of classes, by output and class. */
export type ClassPrecisions = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Rows that were gathered by output, as the mean average precision of each and the precisions of their classes. */
export function precisions(
  gathered: Readonly<Record<string, Float32Array>>,
  version: ApVersion,
): { readonly outputs: Readonly<Record<string, Float32Array>>; readonly classes: ClassPrecisions } {
  const all = Object.entries(gathered).map(([name, rows]) => [name, meanPrecision(rows, version)] as const);
  return {
    outputs: Object.fromEntries(all.map(([name, { mean }]) => [name, Float32Array.of(mean)])),
    classes: Object.fromEntries(all.map(([name, { classes }]) => [name, classes])),
  };
}

/** The average precision of each class, and their mean. */
export interface MeanPrecision {
  readonly mean: number;
  /** By class. */
  readonly classes: Readonly<Record<string, number>>;
}

/** A way by its name. Throws a NetrunError for another name. */
export function apVersionOf(name: string, span?: Span): ApVersion {
  const known = AP_VERSIONS.find((each) => each === name);
  if (known) return known;
  const near = nearest(name, AP_VERSIONS);
  throw new NetrunError(`unknown ap_version "${name}"`, {
    span,
    notes: [near ? `did you mean ${near}?` : `there are ${AP_VERSIONS.join(", ")}`],
  });
}

/** A detection: its score, and whether it hits a box (else it misses). */
interface Hit {
  readonly score: number;
  readonly hit: boolean;
}

/**
 * Mean average precision of the rows of all batches [n, 5] that DetectionEvaluate gives: of item -1 the number of boxes of a class,
 * of others (item, class, score, hit, miss), where detections that neither hit nor miss count for nothing. Classes of which nothing
 * was detected or no box is there have 0. Source: TestDetection in solver.cpp and ComputeAP in util/bbox_util.cpp of SSD's Caffe.
 */
export function meanPrecision(rows: Float32Array, version: ApVersion): MeanPrecision {
  const boxes = new Map<number, number>();
  const hits = new Map<number, Hit[]>();
  for (let at = 0; at < rows.length; at += ROW) {
    const [item, label, value, hit, miss] = rows.subarray(at, at + ROW) as unknown as [
      number,
      number,
      number,
      number,
      number,
    ];
    if (label < 0) continue;
    if (item < 0) boxes.set(label, (boxes.get(label) ?? 0) + value);
    else if (hit > 0 || miss > 0) {
      const own = hits.get(label) ?? [];
      hits.set(label, own);
      own.push({ score: value, hit: hit > 0 });
    }
  }
  const classes: Record<string, number> = {};
  for (const [label, count] of boxes) classes[label] = averagePrecision(hits.get(label) ?? [], count, version);
  const values = Object.values(classes);
  return { mean: values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length), classes };
}

/** Average precision of the detections of a class that has `boxes` boxes. */
export function averagePrecision(detections: readonly Hit[], boxes: number, version: ApVersion): number {
  if (boxes === 0 || detections.length === 0) return 0;
  const sorted = [...detections].sort((a, b) => b.score - a.score);
  let found = 0;
  const curve = sorted.map(({ hit }, i) => {
    if (hit) found++;
    return { recall: found / boxes, precision: found / (i + 1) };
  });
  switch (version) {
    case "11point":
      return elevenPoints(curve);
    case "MaxIntegral":
      return integral(envelope(curve));
    case "Integral":
      return integral(curve);
  }
}

type Curve = readonly { readonly recall: number; readonly precision: number }[];

/** The mean of the greatest precisions from the recalls 0, 0.1 to 1 on: VOC 2007. */
function elevenPoints(curve: Curve): number {
  const from = Array.from({ length: 11 }, (_, j) =>
    curve.reduce((most, { recall, precision }) => (recall >= j / 10 ? Math.max(most, precision) : most), 0),
  );
  return from.reduce((sum, value) => sum + value / 11, 0);
}

/** The curve with the greatest precision from each recall on: VOC 2012. */
function envelope(curve: Curve): Curve {
  let most = 0;
  return curve
    .toReversed()
    .map(({ recall, precision }) => {
      most = Math.max(most, precision);
      return { recall, precision: most };
    })
    .reverse();
}

function integral(curve: Curve): number {
  let [sum, before] = [0, 0];
  for (const { recall, precision } of curve) {
    if (recall - before > EPSILON) sum += precision * (recall - before);
    before = recall;
  }
  return sum;
}
