import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import { loadPlugins } from "../layers/index.js";
import { layoutOf } from "../net/layout.js";
import { WeightWatch } from "../run/constants.js";
import { Inference } from "../run/inference.js";
import { inputsOf } from "../run/inputs.js";
import { closeNet, nextBatch, type OpenNet, openPlan, recycle, seek } from "../run/open-net.js";
import type { ForwardPlan } from "../run/plan.js";
import type { FlatWeights } from "../run/weights.js";

/** One copy of a net that runs forward over batches of its data: what every forward engine runs, wherever it is. */
export class ForwardReplica implements AsyncDisposable {
  readonly #plan: ForwardPlan;
  readonly #runner: OpenNet;
  readonly #weights: FlatWeights;
  readonly #inference: Inference;
  /** Floats of each of the plan's blobs. */
  readonly lengths: readonly number[];

  private constructor(plan: ForwardPlan, runner: OpenNet, weights: Float32Array) {
    this.#plan = plan;
    this.#runner = runner;
    this.#weights = { layout: layoutOf(runner.net), data: weights };
    this.#inference = new Inference(runner.program, runner.net, this.#weights, new WeightWatch(this.#weights));
    this.lengths = plan.blobs.map((blob) => count(runner.net.blobs.get(blob)!.type.shape));
  }

  /** Opens the data and lowers the net of a plan, whose parameters are `weights`. Throws NetrunError. */
  static async open(plan: ForwardPlan, weights: Float32Array): Promise<ForwardReplica> {
    await loadPlugins(plan.plugins);
    return new ForwardReplica(plan, await openPlan(plan.net, plan.session), weights);
  }

  /** Writes the blobs' values for batch number `batch` of the data into `out`. Throws NetrunError where their lengths change. */
  async forward(batch: number, out: readonly Float32Array[]): Promise<void> {
    const { blobs, net, seed } = this.#plan;
    const { feeds, net: lowered } = this.#runner;
    // Where bad records are skipped, a batch begins where the one before it ended, and that is at no fixed record.
    const isFixed = batch === 0 || net.feeds.every(({ onBadRecord }) => onBadRecord !== "skip");
    const starts = net.feeds.map(({ batchSize }) => batch * batchSize);
    if (isFixed) await seek(feeds, starts);
    const data = await nextBatch(feeds);
    const inputs = { ...inputsOf(lowered.inputs, data), weights: this.#weights, draw: [seed, batch] as const };
    const result = await this.#inference.run({ blobs }, inputs);
    for (const [i, blob] of blobs.entries()) {
      const values = result.blobs[blob]!;
      if (values.length !== out[i]!.length) {
        throw new NetrunError(`blob "${blob}" has ${out[i]!.length} values, and ${values.length} in batch ${batch}`);
      }
      out[i]!.set(values);
    }
    recycle(feeds, data, {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inference[Symbol.asyncDispose]();
    await closeNet(this.#runner);
  }
}
