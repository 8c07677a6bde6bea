import { table } from "../markdown.js";

/** `redo` keeps every replica's state on two executors, `drop` keeps none. */
export type Mode = "redo" | "drop";

/** Medians over the rounds, in milliseconds and processor seconds. */
export interface Cost {
  readonly floats: number;
  readonly workers: number;
  readonly mode: Mode;
  /** The round less the iterations of the slowest replica. */
  readonly overheadMs: number;
  readonly leastMs: number;
  /** Of a core that other programs took meanwhile. */
  readonly others: number;
  /** Of all processes, less the iterations. */
  readonly cpuSeconds: number;
  /** The slowest of the replicas' parts, and the average in Node. */
  readonly parts: Readonly<Record<Part | "averageMs", number>>;
}

export const PARTS = ["broadcastMs", "readyMs", "exchangeMs", "storeMs", "fetchMs"] as const;
type Part = (typeof PARTS)[number];

/** Results of a run, and its machine. */
export interface Results {
  readonly cpu: string;
  readonly cores: number;
  readonly costs: readonly Cost[];
}

/** Milliseconds of an iteration on one core, from the table of steps in docs/performance.md. */
const NETS = [
  { net: "LeNet, batch 64", floats: 430_000, iterationMs: 18 },
  { net: "CaffeNet, batch 16", floats: 61_000_000, iterationMs: 829 },
];
const MACHINES = [2, 4, 8, 16, 32, 64];
/** `--sync-interval auto` aims at that share of overhead. */
const SHARE = 0.05;

/**
 * S for K machines, in milliseconds: what was measured for 2, and for each more what each of 2 more cost where 4 were measured, by the
 * least rounds: medians have what other programs took.
 */
function overheadOf(costs: readonly Cost[], floats: number): (machines: number) => number {
  const of = (workers: number) =>
    costs.find((cost) => cost.floats === floats && cost.workers === workers && cost.mode === "redo");
  const two = of(2)?.overheadMs ?? Number.NaN;
  const growth = ((of(4)?.leastMs ?? Number.NaN) - (of(2)?.leastMs ?? Number.NaN)) / 2;
  return (machines) => (machines === 2 ? two : two + growth * (machines - 2));
}

const seconds = (ms: number): string => (ms < 10_000 ? (ms / 1000).toPrecision(2) : (ms / 1000).toFixed(0));

/** Tables of the page on Spark: costs that were measured, and what follows for more machines. */
export function tables({ cpu, cores, costs }: Results): string {
  const sorted = costs.toSorted((a, b) => a.floats - b.floats || a.workers - b.workers || a.mode.localeCompare(b.mode));
  const heads = [
    "floats",
    "K",
    "a lost part is",
    "overhead, ms",
    "least",
    "processor s",
    "others, cores",
    "share",
    "read",
    "exchange",
    "store",
    "fetch",
    "average",
  ];
  const measured = sorted.map(({ floats, workers, mode, overheadMs, leastMs, cpuSeconds, others, parts }) => [
    `${(floats / 1e6).toPrecision(2)} M`,
    workers,
    mode === "redo" ? "redone" : "dropped",
    overheadMs,
    leastMs,
    cpuSeconds,
    others.toFixed(2),
    ...PARTS.map((part) => Math.round(parts[part])),
    Math.round(parts.averageMs),
  ]);
  const isKnown = (floats: number) => !Number.isNaN(overheadOf(costs, floats)(2));
  const computed = NETS.filter(({ floats }) => isKnown(floats)).flatMap(({ net, floats, iterationMs }) => {
    const overheadMs = overheadOf(costs, floats);
    return MACHINES.map((machines) => {
      const s = overheadMs(machines);
      const breakEven = Math.ceil(s / (iterationMs * (machines - 1)));
      const auto = Math.ceil(((1 - SHARE) / SHARE) * (s / iterationMs));
      const efficiency = (tau: number) => `${((100 * iterationMs * tau) / (iterationMs * tau + s)).toFixed(0)} %`;
      return [net, machines, seconds(s), breakEven, auto, efficiency(10), efficiency(50), efficiency(250)];
    });
  });
  const model = ["net", "machines", "S, s", "break-even TAU", "TAU at 5 %", "efficiency at TAU 10", "50", "250"];
  return [
    `Measured on ${cpu.replaceAll(/\s+/g, " ").trim()}, ${cores} cores, which both workers share:`,
    table(heads, measured),
    "Computed from it:",
    table(model, computed),
  ].join("\n\n");
}
