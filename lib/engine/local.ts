import type { Checkpoint, Engine, Plan, Report, Scores, Work } from "./engine.js";
import { Replica } from "./replica.js";

/** One replica in this thread. Its gradients are left in `gradients`, and weights change in the checkpoint's own arrays. */
export class LocalEngine implements Engine {
  readonly replicas = 1;
  readonly #gradients: Float32Array | undefined;
  #replica: Replica | undefined;

  constructor(gradients?: Float32Array) {
    this.#gradients = gradients;
  }

  async load(plan: Plan): Promise<void> {
    await this.#replica?.[Symbol.asyncDispose]();
    this.#replica = await Replica.open(plan, this.#gradients);
  }

  async train(from: Checkpoint, work: Work): Promise<readonly Report[]> {
    return [await this.#loaded().train(from, work)];
  }

  test(net: number, weights: Float32Array, batches: number): Promise<Scores> {
    return this.#loaded().test(net, weights, batches);
  }

  #loaded(): Replica {
    if (!this.#replica) throw new Error("load a plan first");
    return this.#replica;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#replica?.[Symbol.asyncDispose]();
    this.#replica = undefined;
  }
}
