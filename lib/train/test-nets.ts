import { Net } from "../api/net.js";
import { decode } from "../caffe/message.js";
import { sameShape } from "../graph/index.js";
import { withExtraFields } from "../layers/index.js";
import { layoutOf, view } from "../net/layout.js";
import { openPlan } from "../run/open-net.js";
import type { NetPlan } from "../run/plan.js";
import { createWeights, type Weights } from "../run/weights.js";
import type { SolverParts } from "./load-solver.js";

/** The test nets of a solver as nets that a program runs, opened when they are first asked for. */
export class TestNets implements AsyncDisposable {
  readonly #parts: SolverParts;
  #opened: Promise<readonly TestNet[]> | undefined;

  constructor(parts: SolverParts) {
    this.#parts = parts;
  }

  /** The test nets, with the parameters that they share with the train net as those are now. Throws NetrunError as `Net.load`. */
  async current(): Promise<readonly Net[]> {
    this.#opened ??= this.#open();
    const opened = await this.#opened;
    for (const { net, weights } of opened) copyShared(this.#parts.weights, weights, net);
    return opened.map(({ net }) => net);
  }

  async #open(): Promise<readonly TestNet[]> {
    const opened: TestNet[] = [];
    try {
      for (const plan of this.#parts.plan.tests) opened.push(await openTest(plan, this.#parts));
      return opened;
    } catch (error) {
      this.#opened = undefined;
      for (const { net } of opened) await net[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { net } of (await this.#opened) ?? []) await net[Symbol.asyncDispose]();
  }
}

interface TestNet {
  readonly net: Net;
  readonly weights: Weights;
}

async function openTest(plan: NetPlan, { plan: { session }, seed }: SolverParts): Promise<TestNet> {
  const { net: lowered, program, feeds } = await openPlan(plan, session);
  const message = decode("NetParameter", plan.net);
  const net = { ...message, layer: withExtraFields(message.layer, plan.extras) };
  const { phase, feeds: feedSpecs, sources, caffeQuirks } = plan;
  const compiled = { name: net.name, phase, net, feedSpecs, feeds, sources, program, lowered, caffeQuirks };
  const weights = createWeights(layoutOf(lowered), seed);
  return { net: new Net(compiled, weights, seed, { session }), weights };
}

/** Copies what both nets have by the same key and in the same shape. */
function copyShared(from: Weights, to: Weights, net: Net): void {
  for (const [key, slot] of to.layout.slots) {
    const source = from.layout.slots.get(key);
    if (!source || !sameShape(source.parameter.spec.shape, slot.parameter.spec.shape)) continue;
    const { layer, index } = slot.parameter;
    // Through the net's own array, so that it sees the change.
    net.params.get(layer)![index]!.data.set(view(from.data, source));
  }
}
