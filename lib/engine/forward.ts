import { Buffers } from "../buffers.js";
import { NetrunError } from "../error.js";
import { Lifetime } from "../lifetime.js";
import { onDeviceOf } from "../onnx/device.js";
import type { ForwardPlan } from "../run/plan.js";
import type { ForwardEngine } from "./engine.js";
import { ForwardReplica } from "./forward-replica.js";
import type { Answer } from "./hosts/host.js";
import { type HostOptions, hostMaker } from "./hosts/make-host.js";
import { ReplicaSlot } from "./replica-slot.js";

/** Forward passes in this thread. */
export class LocalForward implements ForwardEngine {
  readonly #life = new Lifetime("extraction");
  #replica: ForwardReplica | undefined;

  async open(plan: ForwardPlan, weights: Float32Array): Promise<void> {
    this.#life.check();
    await this.#close();
    this.#replica = await ForwardReplica.open(plan, weights);
  }

  async *run(batches: number): AsyncGenerator<readonly Float32Array[], void> {
    this.#life.check();
    const replica = this.#replica;
    if (!replica) throw new Error("open a plan first");
    const out = replica.lengths.map((length) => new Float32Array(length));
    for (let batch = 0; batch < batches; batch++) {
      await this.#life.run(() => replica.forward(batch, out));
      yield out;
    }
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

/** Batches of each replica that are under way or wait for their turn. */
const AHEAD = 2;

/**
 * Forward passes in threads or processes: of K replicas, number k takes the batches k, k + K, k + 2K, ... One that dies or hangs
 * is replaced and its batch done again; what is wrong with the data or the net is thrown at once.
 */
export class ForwardPool implements ForwardEngine {
  readonly #slots: readonly ReplicaSlot[];
  readonly #buffers = new Buffers();
  readonly #life = new Lifetime("extraction");
  #lengths: readonly number[] = [];

  constructor(workers: number, options: HostOptions = {}) {
    const make = hostMaker(options);
    this.#slots = Array.from(
      { length: workers },
      (_, index) => new ReplicaSlot(index, workers, () => make(index), options.workerTimeoutMs),
    );
  }

  async open(plan: ForwardPlan, weights: Float32Array): Promise<void> {
    this.#life.check();
    const feeds = plan.net.feeds.map((feed) =>
      feed.kind === "records" ? { ...feed, every: this.#slots.length } : feed,
    );
    const own = { ...plan, net: { ...plan.net, feeds } };
    const opening = this.#slots.map((slot, index) => {
      const session = onDeviceOf(plan.session, index);
      return slot.open("openForward", { ...own, session }, () => [weights]);
    });
    await Promise.allSettled(opening);
    this.#lengths = (await Promise.all(opening))[0]!;
  }

  async *run(batches: number): AsyncGenerator<readonly Float32Array[], void> {
    this.#life.check();
    const wide = AHEAD * this.#slots.length;
    const calls = new Map<number, Promise<Answer<"forward">>>();
    let next = 0;
    let left = false;
    /** A replica does one batch after the other. */
    const start = async (batch: number): Promise<Answer<"forward">> => {
      await calls.get(batch - this.#slots.length)?.catch(() => {});
      if (left) throw new Error("nobody waits for the batch any more");
      const request = () => ({
        task: { batch },
        buffers: [],
        room: this.#lengths.map((length) => this.#buffers.take(length)),
      });
      const slot = this.#slots[batch % this.#slots.length]!;
      return (await slot.call("forward", request(), { again: request, isFatal }))!;
    };
    try {
      for (let batch = 0; batch < batches; batch++) {
        this.#life.check();
        for (; next < Math.min(batches, batch + wide); next++) {
          const call = start(next);
          // The error reaches whoever comes to this batch; until then it is not unhandled.
          call.catch(() => {});
          calls.set(next, call);
        }
        const { room } = await calls.get(batch)!.catch((error: unknown) => {
          throw this.#life.isOver ? this.#life.error(error) : error;
        });
        calls.delete(batch);
        yield room;
        this.#buffers.give(room);
      }
    } finally {
      left = true;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#life.abort(async () => {
      await Promise.all(this.#slots.map((slot) => slot[Symbol.asyncDispose]()));
    });
  }
}

/** Throws what is wrong with data or net as an error of netrun's own: another replica would meet it too. */
const isFatal = (error: Error): boolean => error instanceof NetrunError;
