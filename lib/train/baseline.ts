import type { Engine } from "../engine/engine.js";
import { openEngine } from "../engine/open.js";
import { checkNumber, countRange } from "../options/number.js";
import type { SolverParts } from "./load-solver.js";

/** The speed of one replica that trains alone, with all threads and whole batches. */
export class Baseline implements AsyncDisposable {
  readonly #parts: SolverParts;
  /** The engine of the last measurement, which may still run. */
  #engine: Engine | undefined;

  constructor(parts: SolverParts) {
    this.#parts = parts;
  }

  /** Images per second over some iterations after a first one. Training is not changed by it. */
  async measure(iterations: number): Promise<number> {
    checkNumber("iterations", iterations, countRange("iterations"));
    const { plan, options, weights } = this.#parts;
    const own = weights.data.slice();
    const { isolation, engine: cluster } = options;
    await using engine = openEngine({ workers: 1, isolation, engine: cluster }, weights.diff);
    this.#engine = engine;
    await engine.open(plan);
    const work = (iteration: number, n: number) => ({ iteration, rates: Array<number>(n).fill(0), display: 0 });
    await engine.round(own, work(0, 1));
    const { rows, roundTimes } = await engine.round(own, work(1, iterations));
    return rows / (roundTimes!.totalMs / 1000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine?.[Symbol.asyncDispose]();
  }
}
