import type { Scores } from "../engine/engine.js";
import { meanScores } from "../engine/reports.js";
import { NetrunError } from "../error.js";
import { apVersionOf, type ClassPrecisions, precisions } from "../run/average-precision.js";
import type { SolverParts } from "./load-solver.js";

/** Parts that a test pass is made in. */
const TEST_PARTS = 10;

/** Batches of a test pass that are done. */
export interface TestPart {
  readonly done: number;
  readonly total: number;
}

/** Scores of a whole test pass: of outputs that are scored as a whole, mean average precision. */
export interface TestScores extends Scores {
  /** Of those outputs, the average precision of each class, where the solver's show_per_class_result asks for it. */
  readonly classes?: ClassPrecisions | undefined;
}

/** Passes of a solver's test nets over their data, each from where the last one of its net ended. */
export class TestPasses {
  readonly #parts: SolverParts;
  /** Records consumed of each data layer of each test net; empty for a net that was not tested. */
  positions: readonly (readonly number[])[] = [];

  constructor(parts: SolverParts) {
    this.#parts = parts;
  }

  /**
   * A pass in parts: yields how many batches are done, returns the scores. Where it is left before its end, the next pass starts
   * where this one did. Throws NetrunError if there is no such test net.
   */
  async *pass(index: number): AsyncGenerator<TestPart, TestScores> {
    const { tests, engine, weights, plan } = this.#parts;
    const iterations = tests[index]?.iterations;
    if (iterations === undefined)
      throw new NetrunError(`the solver has ${tests.length} test nets, none with index ${index}`);
    const size = Math.max(engine.replicas, Math.ceil(iterations / TEST_PARTS));
    const parts: { scores: Scores; batches: number }[] = [];
    const start = plan.tests[index]!.feeds.map(() => 0);
    // A test of all rows begins at the first one.
    let positions = plan.tests[index]!.wholeRows === undefined ? (this.positions[index] ?? start) : start;
    for (let done = 0; done < iterations; done += size) {
      const batches = Math.min(size, iterations - done);
      const scores = await engine.test(index, weights.data, batches, positions);
      positions = scores.positions;
      parts.push({ scores, batches });
      yield { done: done + batches, total: iterations };
    }
    this.positions = tests.map((_, i) => (i === index ? positions : (this.positions[i] ?? [])));
    return this.#scored(meanScores(parts));
  }

  #scored({ gathered = {}, ...scores }: Scores): TestScores {
    if (Object.keys(gathered).length === 0) return scores;
    const { ap_version, show_per_class_result: isAsked } = this.#parts.parameter;
    const { outputs, classes } = precisions(gathered, apVersionOf(ap_version));
    return { ...scores, outputs: { ...outputs, ...scores.outputs }, classes: isAsked ? classes : undefined };
  }
}
