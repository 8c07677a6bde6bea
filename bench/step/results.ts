import type { Timing } from "./measure.js";

/** Results of the benchmark of steps, one for each size of blocks. */
export interface Results {
  readonly runs: readonly Run[];
}

/** Results of a run on a machine. */
export interface Run {
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly node: string;
    /** Channels of a block of onnxruntime's kernels: 8 with AVX2, 16 with AVX-512. */
    readonly block: number;
    readonly date: string;
  };
  /** GF/s of a large matrix product, by threads: the most that was seen during the run. */
  readonly peaks?: Readonly<Record<number, number>> | undefined;
  readonly rows: readonly Row[];
}

/** One net with some number of threads. */
export interface Row {
  readonly net: string;
  readonly batch: number;
  readonly threads: number;
  /** Thousand million floating-point operations of a step. */
  readonly gflop: number;
  readonly timings: readonly Timing[];
}

/** The medians of PyTorch's forms in a row; the smallest counts. */
const bestTorch = ({ timings }: Row): Timing | undefined =>
  timings.filter(({ program }) => program.startsWith("torch")).sort((a, b) => a.medianMs - b.medianMs)[0];

/** Results with a run in the place of the one with its blocks. */
export const withRun = ({ runs }: Results, run: Run): Results => ({
  runs: [...runs.filter(({ machine }) => machine.block !== run.machine.block), run].toSorted(
    (a, b) => b.machine.block - a.machine.block,
  ),
});

/** The tables of the documentation, one for each run. */
export const tablesOf = ({ runs }: Results): string => runs.map(tableOf).join("\n\n");

const INSTRUCTIONS: Readonly<Record<number, string>> = { 8: "AVX2", 16: "AVX-512" };

function tableOf({ machine, peaks, rows }: Run): string {
  const lines = rows.map((row) => {
    const find = (name: string) => row.timings.find(({ program }) => program === name);
    const [own, portable, torch] = [find("netrun")!, find("netrun portable"), bestTorch(row)];
    const ms = (timing: Timing | undefined) => (timing ? timing.medianMs.toFixed(timing.medianMs < 100 ? 1 : 0) : "");
    const by = (timing: Timing | undefined) => (timing ? (timing.medianMs / own.medianMs).toFixed(2) : "");
    const peak = peaks?.[row.threads];
    const share = (timing: Timing | undefined) =>
      timing && peak ? `${((100_000 * row.gflop) / timing.medianMs / peak).toFixed(0)} %` : "";
    const cells = [
      `${row.net} ${row.batch}`,
      row.threads,
      ms(own),
      ms(portable),
      torch ? `${ms(torch)} (${torch.program.replace("torch ", "")})` : "",
      by(portable),
      by(torch),
      ((row.gflop / own.medianMs) * 1000).toFixed(0),
      share(own),
      share(torch),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const { processor, cores, block, date } = machine;
  const most = Object.entries(peaks ?? {}).map(([threads, gf]) => `${gf.toFixed(0)} GF/s with ${threads}`);
  const peak = most.length > 0 ? `; matrix products: ${most.join(", ")}` : "";
  return [
    `${INSTRUCTIONS[block] ?? "Other"} (blocks of ${block}), ${processor} with ${cores} cores, ${date}${peak}:`,
    "",
    "| net, batch | threads | netrun, ms | portable, ms | best PyTorch, ms | portable / netrun | PyTorch / netrun | netrun, GF/s | share of peak | PyTorch's |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ...lines,
  ].join("\n");
}

/** The best PyTorch's time by netrun's of each net, with the widest blocks and the most threads. */
export function speedsOf({ runs }: Results): readonly { readonly net: string; readonly speed: number }[] {
  const [{ rows } = { rows: [] }] = runs.toSorted((a, b) => b.machine.block - a.machine.block);
  const most = Math.max(...rows.map(({ threads }) => threads));
  return rows.flatMap((row) => {
    const own = row.timings.find(({ program }) => program === "netrun");
    const torch = bestTorch(row);
    return row.threads === most && own && torch ? [{ net: row.net, speed: torch.medianMs / own.medianMs }] : [];
  });
}
