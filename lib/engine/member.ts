import { join } from "node:path";
import type { WritableVector } from "./averaging/averaging.js";
import type { ReplicaState } from "./engine.js";
import type { Answer, Call } from "./hosts/host.js";
import type { ReplicaInfo } from "./replica.js";
import { PartitionFailed, type ReplicaSlot } from "./replica-slot.js";
import { type ReplicaPlace, stateOf, vectorsOf } from "./state.js";
import { type KeptState, openStore, type StateStore } from "./state-store.js";
import { vectorOf } from "./vector.js";
import { deleteVectorFolder, newVectorFolder } from "./vector-file.js";

/** Of a replica whose state is in no host. */
const NO_GENERATION = -1;

type RoundCall = Omit<Call<"round">, "name">;

/**
 * One of several replicas: where it lives, and where its state is.
 *
 * Its state stays with the replica. A thread or process that dies takes its memory with it, so where lost parts are done again the
 * replica copies its state, at the end of every round, into a store beside it that outlives it. There are two, by turns: the state
 * of a round's start stands until the round counts. Nothing of them comes here unless a state is asked for.
 * A copy every N rounds, and the rounds since then once more from kept weights, would cost less in each round, but a redo N times
 * as much, N whole vectors of weights, and where a partition cannot be redone the state of the round's start would be lost.
 */
export class Member {
  readonly slot: ReplicaSlot;
  readonly #keeps: boolean;
  readonly #isElastic: boolean;
  #info: ReplicaInfo | undefined;
  /** Positions and recurrent state when the last round ended. */
  #place: ReplicaPlace = { positions: [] };
  /** Places of the state's vectors after the last round; undefined where they are not kept, or still zeros. */
  #kept: KeptState | undefined;
  /** The store that the round under way copies the next state to, and one that is free. */
  #next: KeptState | undefined;
  #free: KeptState | undefined;
  /** The vectors of a state that was set, until a round has started from it. */
  #given: readonly Float32Array[] | undefined;
  /** True if it has not trained since its plan was opened. */
  #isFresh = true;
  /** True if the replica's state is another one than what counts, which it gets with the next round. */
  #isStale = false;
  /** The generation of its slot that has its state. */
  #generation = 0;
  /** The folder of stores that are files. */
  #folder: string | undefined;
  #files = 0;

  /** `keeps` says whether its state is copied after each round; under elastic averaging it has parameters of its own. */
  constructor(slot: ReplicaSlot, keeps: boolean, isElastic: boolean) {
    this.slot = slot;
    this.#keeps = keeps;
    this.#isElastic = isElastic;
  }

  /** A plan was opened: it is at its start. */
  opened(info: ReplicaInfo): void {
    this.#info = info;
    this.#place = { positions: info.positions };
    this.#dropStores();
    this.#given = undefined;
    this.#isFresh = true;
    this.#isStale = false;
    this.#generation = this.slot.generation;
  }

  /** True if its state is nowhere any more: its host died, and no copy of it was kept. */
  get isLost(): boolean {
    return !this.#given && !this.#kept && !this.#isFresh && this.slot.generation !== this.#generation;
  }

  /** The call of a round from `weights`; `again` for a replica that has just taken the place of a lost one. */
  request(weights: Float32Array, work: RoundCall["task"]["work"], again: boolean): RoundCall {
    const mustSet = again || this.#isStale || this.slot.generation !== this.#generation;
    const given = mustSet ? this.#given : undefined;
    const store = mustSet && !given ? this.#kept?.place : undefined;
    // A thread that was lost inside onnxruntime may still come to write into its store.
    if (again) this.#discardNext();
    if (this.#keeps && !this.#next) {
      this.#next = this.#free ?? this.#newStore();
      this.#free = undefined;
    }
    const from = given || store !== undefined ? this.#place : undefined;
    return {
      task: { work, from, store, keep: this.#next?.place },
      buffers: [weights, ...(given ?? [])],
      room: [],
    };
  }

  /** A round is done, and the state after it is the one that counts. */
  commit({ result: { positions, carries } }: Answer<"round">): void {
    this.#given = undefined;
    // A block of a cluster is written once.
    if (this.slot.states) this.#kept?.delete();
    else this.#free = this.#kept;
    this.#kept = this.#next;
    this.#next = undefined;
    this.#place = { positions, carries };
    this.#isFresh = false;
    this.#isStale = false;
    this.#generation = this.slot.generation;
  }

  /** Its part of a round was dropped: its state is lost with it. */
  lose(): void {
    this.#given = undefined;
    this.#dropStores();
    this.#isFresh = false;
    this.#generation = NO_GENERATION;
  }

  /** A round failed: whatever the replica has done of it does not count, where its state was kept. */
  rewind(): void {
    if (!this.#keeps) {
      this.#isFresh = false;
      return;
    }
    this.#discardNext();
    if (!this.#kept) this.#given ??= this.#zeros();
    this.#isStale = true;
  }

  /** The history that was kept, to be changed: the replica goes on from what it is then. */
  async shareable(): Promise<WritableVector> {
    this.#isStale = true;
    const { slots, trainable } = this.#info!;
    if (this.slot.states) return this.#fetched(slots * trainable);
    const store = this.#kept as StateStore;
    return { ...store.vector(slots * trainable), write: (values, from) => store.write([values], from) };
  }

  /** The first floats of its state, brought here from the cluster: the replica gets what becomes of it with the next round. */
  async #fetched(length: number): Promise<WritableVector> {
    const all = new Float32Array(this.#lengths.reduce((sum, each) => sum + each, 0));
    await this.#kept!.read([all]);
    let end = 0;
    this.#given = this.#lengths.map((each) => {
      end += each;
      return all.subarray(end - each, end);
    });
    return { ...vectorOf(all.subarray(0, length)), write: (values, from) => all.set(values, from) };
  }

  /** Sets its state: the replica gets it with the next round. The vectors are taken over. */
  set(state: ReplicaState): void {
    this.#given = vectorsOf(state);
    this.#place = { positions: state.positions, carries: state.carries };
    this.#isFresh = false;
    this.#isStale = true;
  }

  /** Position in its data. */
  get positions(): readonly number[] {
    return this.#place.positions;
  }

  /** A copy of its state; undefined where it is lost. */
  async state(): Promise<ReplicaState | undefined> {
    const state = (vectors: readonly Float32Array[]) => stateOf(this.#place, vectors, this.#info!.slots);
    if (this.#given) return state(this.#given.map((values) => values.slice()));
    if (this.#isFresh) return state(this.#zeros());
    if (this.isLost) return undefined;
    const room = this.#lengths.map((length) => new Float32Array(length));
    if (this.#kept) {
      await this.#kept.read(room);
      return state(room);
    }
    const answer = await this.slot.call("state", { task: {}, buffers: [], room }, {}).catch((error: unknown) => {
      if (error instanceof PartitionFailed) return undefined;
      throw error;
    });
    return answer && state(answer.room);
  }

  /** A state of zeros at its place in the data. */
  blank(): ReplicaState {
    return stateOf({ positions: this.#place.positions }, this.#zeros(), this.#info!.slots);
  }

  #zeros(): readonly Float32Array[] {
    const { slots, trainable } = this.#info!;
    return Array.from({ length: slots }, () => new Float32Array(trainable));
  }

  /** Floats of each vector of its state after a round. */
  get #lengths(): readonly number[] {
    const { slots, trainable, length } = this.#info!;
    return [...Array<number>(slots).fill(trainable), ...(this.#isElastic ? [length] : [])];
  }

  #newStore(): KeptState {
    const { states } = this.slot;
    if (states) return states.newState();
    if (this.slot.sharesMemory) {
      const floats = this.#lengths.reduce((sum, length) => sum + length, 0);
      return openStore(new SharedArrayBuffer(floats * Float32Array.BYTES_PER_ELEMENT));
    }
    this.#folder ??= newVectorFolder("states");
    return openStore(join(this.#folder, `${this.#files++}`));
  }

  #discardNext(): void {
    this.#next?.delete();
    this.#next = undefined;
  }

  #dropStores(): void {
    for (const store of [this.#kept, this.#next, this.#free]) store?.delete();
    this.#kept = undefined;
    this.#next = undefined;
    this.#free = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.slot[Symbol.asyncDispose]();
    this.#dropStores();
    if (this.#folder !== undefined) deleteVectorFolder(this.#folder);
  }
}
