import type { LoweredNet } from "../net/lower.js";
import type { RunRequest, RunResult } from "./compiled-net.js";
import { bearsConstants, type WeightWatch } from "./constants.js";
import type { NetProgram } from "./model-program.js";
import type { Program, ProgramInputs } from "./program.js";
import type { FlatWeights } from "./weights.js";

/**
 * Forwards of a net whose weights may change between them, and mostly do not. While they stay the same, and so do the shapes of the
 * inputs, they are constants of the model; right after a change they are fed, since making a model takes longer than a forward.
 */
export class Inference implements AsyncDisposable {
  readonly #program: NetProgram;
  readonly #watch: WeightWatch;
  /** Makes the program with constants, where the net has one. */
  readonly #freeze: (() => Program) | undefined;
  #constant: Program | undefined;
  #lastShapes: string | undefined;

  /** `program` is the one for the weights as they are fed; it stays its owner's to close. */
  constructor(program: NetProgram, net: LoweredNet, weights: FlatWeights, watch: WeightWatch) {
    this.#program = program;
    this.#watch = watch;
    this.#freeze = bearsConstants(net, weights) ? program.withConstants?.bind(program, weights) : undefined;
  }

  /** Runs the net once, forward. */
  async run(request: RunRequest, inputs: ProgramInputs): Promise<RunResult> {
    if (!this.#freeze) return this.#program.run(request, inputs);
    const shapes = JSON.stringify([...inputs.shapes]);
    const isSame = this.#watch.isSame();
    const isSettled = this.#lastShapes === undefined || (isSame && shapes === this.#lastShapes);
    this.#lastShapes = shapes;
    if (!isSame) {
      await this.#drop();
      this.#watch.mark();
    }
    if (!isSettled) return this.#program.run(request, inputs);
    this.#constant ??= this.#freeze();
    return this.#constant.run(request, inputs);
  }

  async #drop(): Promise<void> {
    const program = this.#constant;
    this.#constant = undefined;
    await program?.[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#drop();
  }
}
