import type { Tensors } from "../data/tensor.js";
import type { Round } from "../engine/engine.js";
import { NetrunError } from "../error.js";
import { LearningRate } from "../optim/rate.js";
import { checkNumber, countOrNone } from "../options/number.js";
import type { FoundState, TrainingState } from "./checkpoint.js";
import type { SolverParts } from "./load-solver.js";
import { SmoothedLoss } from "./smoothed-loss.js";

/** Results of some iterations, and the smoothed loss after each. */
export interface Run extends Round {
  readonly smoothedLosses: readonly number[];
  /** The learning rate of each iteration. */
  readonly rates: readonly number[];
}

/** State of a training: iterations, learning rate and smoothed loss, which rounds of an engine move on. */
export class Trainer {
  readonly #parts: SolverParts;
  readonly #rate: LearningRate;
  readonly #smoothed: SmoothedLoss;
  #iteration = 0;

  constructor(parts: SolverParts) {
    this.#parts = parts;
    this.#rate = new LearningRate(parts.parameter, parts.options.warmUp);
    this.#smoothed = new SmoothedLoss(parts.parameter.average_loss);
  }

  /** Updates done so far. */
  get iteration(): number {
    return this.#iteration;
  }

  /** The learning rate of the next iteration. */
  get rate(): number {
    return this.#rate.rate(this.#iteration);
  }

  /** True if rates depend on losses, so that they are known one iteration ahead only. */
  get ratesAdapt(): boolean {
    return this.#rate.adapts;
  }

  /** Multiplies the learning rates of all further iterations. */
  scaleRate(factor: number): void {
    this.#rate.scale(factor);
  }

  /** Trains for n iterations; each one's loss, before its update. Throws NetrunError for a number that is not finite. */
  async step(n: number, batch: Tensors | undefined): Promise<readonly number[]> {
    checkNumber("n", n, countOrNone("iterations"));
    const losses: number[] = [];
    while (losses.length < n) {
      // Rates that adapt are known one iteration ahead.
      const { losses: more, notFinite } = await this.run(this.#rate.adapts ? 1 : n, batch);
      for (const loss of more) losses.push(loss);
      if (notFinite !== undefined) throw notFiniteError(notFinite, this.#iteration);
    }
    return losses;
  }

  /** Trains for n iterations, one round of the engine. */
  async run(n: number, batch: Tensors | undefined, dropsGradients = false): Promise<Run> {
    checkNumber("n", n, countOrNone("iterations"));
    const { engine, weights, parameter, options } = this.#parts;
    const start = this.#iteration;
    const rates = Array.from({ length: n }, (_, i) => this.#rate.rate(start + i));
    const round = await engine.round(weights.data, {
      iteration: start,
      rates,
      display: parameter.display,
      statistics: options.statistics,
      batch,
      dropsGradients,
    });
    this.#iteration = round.iteration;
    const smoothedLosses = round.losses.map((loss, i) => {
      const smoothed = this.#smoothed.add(loss);
      this.#rate.observe(start + i, smoothed);
      return smoothed;
    });
    return { ...round, smoothedLosses, rates };
  }

  /**
   * The smoothed loss with the next batch's in it; undefined where that is not finite. An iteration at a learning rate of 0, on a
   * copy of the weights: the replicas' states are restored after it.
   */
  async lossAhead(): Promise<number | undefined> {
    const { engine, weights, parameter } = this.#parts;
    const states = await engine.state();
    const work = { iteration: this.#iteration, rates: [0], display: parameter.display, dropsGradients: true };
    let round: Round;
    try {
      round = await engine.round(weights.data.slice(), work);
    } finally {
      await engine.restore(states);
    }
    const [loss] = round.losses;
    if (loss === undefined) return undefined;
    const smoothed = new SmoothedLoss(parameter.average_loss);
    smoothed.restore(this.#smoothed.losses);
    return smoothed.add(loss);
  }

  /** The state of the training that a snapshot has of it. */
  async state(): Promise<Pick<TrainingState, "iteration" | "replicas" | "rate" | "losses">> {
    return {
      iteration: this.#iteration,
      replicas: await this.#parts.engine.state(),
      rate: this.#rate.stateAt(this.#iteration - 1),
      losses: this.#smoothed.losses,
    };
  }

  /** Goes on from a snapshot. Rejects with nothing changed if the replicas cannot take their states. */
  async restore({ iteration, replicas, weights, rate, losses }: FoundState): Promise<void> {
    const { engine, weights: current } = this.#parts;
    const before = await engine.state();
    try {
      await engine.restore(replicas);
    } catch (error) {
      await engine.restore(before);
      throw error;
    }
    current.data.set(weights);
    this.#iteration = iteration;
    this.#rate.restore(iteration, rate);
    this.#smoothed.restore(losses);
  }
}

/** Reason why training cannot go on. */
export function notFiniteError(what: string, iteration: number, ...notes: readonly string[]): NetrunError {
  return new NetrunError(`${what} is not a finite number in iteration ${iteration}: training stops`, {
    notes: ["a smaller base_lr, a warm-up or clip_gradients may help", ...notes],
  });
}
