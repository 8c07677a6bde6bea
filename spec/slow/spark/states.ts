import { join } from "node:path";
import { expect } from "chai";
import { writeArrow } from "../../../lib/data/source/arrow/write.js";
import { recordBatch } from "../../../lib/data/source/columns.js";
import { join as joinCluster } from "../../../lib/engine/spark/choice.js";
import type { NetrunError } from "../../../lib/error.js";
import { Solver, type SolverOptions } from "../../../lib/train/solver.js";
import { train } from "../../../lib/train/train.js";
import { freshFolder } from "../../support/folder.js";
import { BRIEF, type SharedCluster, type SparkCluster } from "../../support/spark.js";

const INPUTS = 1100;
const OUTPUTS = 1000;
const ROWS = 16;

/** A net whose vectors have 4.4 MB: more than what travels in messages and is kept in memory. */
const SOLVER = `net_param {
  layer { name: "in" type: "Input" top: "data" top: "label"
    input_param { shape { dim: 4 dim: ${INPUTS} } shape { dim: 4 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
    inner_product_param { num_output: ${OUTPUTS} bias_term: false weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" } }
  base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 max_iter: 10 random_seed: 1 snapshot_after_train: false`;

/** Trains five rounds of two iterations; `before` is called before each, by its number from 1 on. */
async function run(folder: string, options: Partial<SolverOptions>, before: (round: number) => void = () => {}) {
  const values = Float32Array.from({ length: ROWS * INPUTS }, (_, i) => Math.sin(i));
  const label = { dtype: "int32", shape: [], values: Int32Array.from({ length: ROWS }, (_, i) => i) } as const;
  const data = join(folder, "rows.arrow");
  await writeArrow(data, [recordBatch({ data: { dtype: "float32", shape: [INPUTS], values }, label }, ROWS)]);
  const given = { workers: 2, syncInterval: 2, threads: 1, data, ...options };
  await using solver = await Solver.load(SOLVER, given);
  const lost: string[] = [];
  before(1);
  for await (const event of train(solver)) {
    if (event.kind === "replica-lost") lost.push(event.remedy);
    if (event.kind === "round") before(event.round + 1);
  }
  return { weights: solver.net.params.get("ip")![0]!.data.slice(), lost };
}

/** Kills so many executors before the third round. */
const killing = (cluster: SparkCluster, most: number) => (round: number) => {
  if (round !== 3) return;
  for (const pid of cluster.executors().slice(0, most)) process.kill(pid, "SIGKILL");
};

/** All executors die, and the driver has the states of replicas. */
export function stateSpecs(sharedOf: () => SharedCluster): void {
  const folder = freshFolder();

  it("does a round again to the pool's bits where every executor has died, from states of megabytes that the driver has", async () => {
    const { cluster, engine } = sharedOf();
    const pool = await run(folder(), {});
    const { lost, weights } = await run(folder(), { engine }, killing(cluster, 2));
    expect(lost.length).to.be.above(1);
    expect(new Set(lost)).to.deep.equal(new Set(["redone"]));
    expect(weights).to.deep.equal(pool.weights);
  });
}

/** Executors die that have states which the driver has not. No other application may have the cluster's cores. */
export function absentStateSpecs(clusterOf: () => SparkCluster): void {
  const folder = freshFolder();

  it("has states that the driver is not to have on two executors, of which one may die", async () => {
    const cluster = clusterOf();
    const engine = cluster.engine({ ...BRIEF, "spark.netrun.driverStates": "0" });
    const application = await joinCluster(engine);
    try {
      const pool = await run(folder(), {});
      const { lost, weights } = await run(folder(), { engine }, killing(cluster, 1));
      expect(lost).to.include("redone");
      expect(weights).to.deep.equal(pool.weights);
      const both = await run(folder(), { engine }, killing(cluster, 2)).catch((error: NetrunError) => error);
      expect(both).to.be.instanceOf(Error);
      expect((both as NetrunError).message).to.match(
        /state is lost with the executors that had a copy|no executor any more/,
      );
      expect((both as NetrunError).notes.join("\n")).to.match(/last snapshot/);
    } finally {
      await application.close();
    }
  });
}
