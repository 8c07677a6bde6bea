/**
 * Cost of a round besides its iterations: `npm run bench:averaging -- cost`. Nets of one inner product, as large as asked for,
 * on two replicas; one iteration a round, so that nothing hides the rest.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeArrow } from "../../lib/data/source/arrow/write.js";
import { recordBatch } from "../../lib/data/source/columns.js";
import { train } from "../../lib/index.js";

/** The cost of a round in milliseconds, the least of the rounds after the first quarter: other programs only add to it. */
export interface Cost {
  readonly parameters: number;
  readonly workers: number;
  readonly isolation: "thread" | "process";
  readonly sendMs: number;
  readonly averageMs: number;
  /** Everything but the iterations: sending, averaging and messages. */
  readonly overheadMs: number;
  /** The median of that. */
  readonly medianMs: number;
  readonly residentMB: number;
}

/** Measures rounds of a net with inputs * outputs parameters. */
export async function measureCost(
  inputs: number,
  outputs: number,
  isolation: "thread" | "process",
  rounds: number,
): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), "netrun-cost-"));
  try {
    const rows = 4;
    const values = new Float32Array(rows * inputs).fill(0.01);
    const labels = { dtype: "int32", shape: [], values: new Int32Array(rows) } as const;
    const path = join(folder, "rows.arrow");
    await writeArrow(path, [recordBatch({ data: { dtype: "float32", shape: [inputs], values }, label: labels }, rows)]);
    const net = `
      layer { name: "in" type: "Input" top: "data" top: "label"
        input_param { shape { dim: 1 dim: ${inputs} } shape { dim: 1 } } }
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: ${outputs} bias_term: false } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;
    const solver = `net_param { ${net} } base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 max_iter: ${rounds}
      snapshot_after_train: false`;
    const seen: { send: number; average: number; overhead: number }[] = [];
    for await (const event of train({ solver, data: path, workers: 2, syncInterval: 1, isolation })) {
      if (event.kind !== "round") continue;
      const { times } = event;
      seen.push({ send: times.sendMs, average: times.averageMs, overhead: times.totalMs - times.slowestMs });
    }
    // The first rounds compile, and feeds start threads of their own meanwhile.
    const after = seen.slice(Math.ceil(rounds / 4));
    const of = (pick: (each: (typeof seen)[number]) => number) => Math.min(...after.map(pick));
    const overheads = after.map(({ overhead }) => overhead).sort((a, b) => a - b);
    return {
      parameters: inputs * outputs,
      workers: 2,
      isolation,
      sendMs: of(({ send }) => send),
      averageMs: of(({ average }) => average),
      overheadMs: overheads[0]!,
      medianMs: overheads[overheads.length >> 1]!,
      residentMB: Math.round(process.memoryUsage().rss / 1e6),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
