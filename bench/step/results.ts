import type { Timing } from "./measure.js";

/** What a run of the benchmark of steps found. */
export interface Results {
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly node: string;
    /** Channels of a block of onnxruntime's kernels: 8 with AVX2, 16 with AVX-512. */
    readonly block: number;
    readonly date: string;
  };
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

/** The table of the documentation. */
export function tableOf({ rows }: Results): string {
  const lines = rows.map((row) => {
    const find = (name: string) => row.timings.find(({ program }) => program === name);
    const [own, portable, torch] = [find("netrun")!, find("netrun portable"), bestTorch(row)];
    const ms = (timing: Timing | undefined) => (timing ? timing.medianMs.toFixed(timing.medianMs < 100 ? 1 : 0) : "");
    const by = (timing: Timing | undefined) => (timing ? (timing.medianMs / own.medianMs).toFixed(2) : "");
    const cells = [
      `${row.net} ${row.batch}`,
      row.threads,
      ms(own),
      ms(portable),
      torch ? `${ms(torch)} (${torch.program.replace("torch ", "")})` : "",
      by(portable),
      by(torch),
      ((row.gflop / own.medianMs) * 1000).toFixed(0),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    "| net, batch | threads | netrun, ms | portable, ms | best PyTorch, ms | portable / netrun | PyTorch / netrun | netrun, GF/s |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ...lines,
  ].join("\n");
}

const [START, END] = ["<!-- steps: made by npm run bench -- --write -->", "<!-- end of steps -->"];

/** A page with the table between its marks replaced. */
export function withTable(page: string, table: string): string {
  const [start, end] = [page.indexOf(START), page.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`the page lacks ${START} and ${END}`);
  return `${page.slice(0, start + START.length)}\n${table}\n${page.slice(end)}`;
}
