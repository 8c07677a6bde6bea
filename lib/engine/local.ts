import { Lifetime } from "../lifetime.js";
import type { TrainingPlan } from "../run/plan.js";
import type { Engine, Partition, ReplicaStates, Round, Scores, Work } from "./engine.js";
import { Replica } from "./replica.js";
import { stateOf, vectorsOf } from "./state.js";

/** One replica in this thread. Its gradients are left in `gradients`, and weights change in place as training goes. */
export class LocalEngine implements Engine {
  readonly replicas = 1;
  readonly #gradients: Float32Array | undefined;
  readonly #life = new Lifetime("engine");
  #replica: Replica | undefined;

  constructor(gradients?: Float32Array) {
    this.#gradients = gradients;
  }

  async open(plan: TrainingPlan): Promise<readonly Partition[]> {
    this.#life.check();
    await this.#close();
    this.#replica = await Replica.open(plan, this.#gradients);
    return this.#replica.info.partitions;
  }

  async round(weights: Float32Array, work: Work): Promise<Round> {
    const run = () => this.#opened().round(weights, work);
    const { positions: _, carries: __, computeMs: ___, ...report } = await this.#life.run(run);
    return { ...report, iteration: work.iteration + report.losses.length, lost: [] };
  }

  async state(): Promise<ReplicaStates> {
    const replica = this.#opened();
    const { slots, trainable } = replica.info;
    const vectors = Array.from({ length: slots }, () => new Float32Array(trainable));
    return [stateOf(replica.save(vectors), vectors, slots)];
  }

  async restore(states: ReplicaStates): Promise<void> {
    if (states.length !== 1) throw new Error(`states of ${states.length} replicas for 1`);
    await this.#opened().restore(states[0]!, vectorsOf(states[0]!));
  }

  test(net: number, weights: Float32Array, batches: number, positions?: readonly number[]): Promise<Scores> {
    return this.#life.run(() => this.#opened().test(net, weights, batches, positions));
  }

  #opened(): Replica {
    this.#life.check();
    if (!this.#replica) throw new Error("open a plan first");
    return this.#replica;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#life.end(() => this.#close());
  }

  async #close(): Promise<void> {
    const replica = this.#replica;
    this.#replica = undefined;
    await replica?.[Symbol.asyncDispose]();
  }
}
