import type { Plan } from "../run/plan.js";
import type { Checkpoint, Engine, Partition, Round, Scores, Work } from "./engine.js";
import { Replica } from "./replica.js";

/** One replica in this thread. Its gradients are left in `gradients`, and weights change in the checkpoint's own arrays. */
export class LocalEngine implements Engine {
  readonly replicas = 1;
  readonly #gradients: Float32Array | undefined;
  #replica: Replica | undefined;

  constructor(gradients?: Float32Array) {
    this.#gradients = gradients;
  }

  async load(plan: Plan): Promise<readonly Partition[]> {
    await this[Symbol.asyncDispose]();
    this.#replica = await Replica.open(plan, this.#gradients);
    return this.#replica.info.partitions;
  }

  async train(from: Checkpoint, work: Work): Promise<Round> {
    const { weights } = from;
    const state = from.replicas[0]!;
    const task = { ...state, iteration: from.iteration, weights };
    const { positions, carries, computeMs: _, ...report } = await this.#loaded().train(task, work);
    const iteration = from.iteration + report.losses.length;
    const replicas = [{ history: state.history, positions, carries }];
    return { ...report, checkpoint: { iteration, weights, replicas }, lost: [] };
  }

  test(net: number, weights: Float32Array, batches: number, positions?: readonly number[]): Promise<Scores> {
    return this.#loaded().test(net, weights, batches, positions);
  }

  #loaded(): Replica {
    if (!this.#replica) throw new Error("load a plan first");
    return this.#replica;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const replica = this.#replica;
    this.#replica = undefined;
    await replica?.[Symbol.asyncDispose]();
  }
}
