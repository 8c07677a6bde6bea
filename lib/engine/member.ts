import type { Buffers } from "../buffers.js";
import type { ReplicaState } from "./engine.js";
import type { Answer, Call } from "./hosts/host.js";
import type { ReplicaInfo } from "./replica.js";
import { PartitionFailed, type ReplicaSlot } from "./replica-slot.js";
import { type Place, stateOf, vectorsOf } from "./state.js";

/** Of a replica whose state is in no host. */
const NO_GENERATION = -1;

type RoundCall = Omit<Call<"round">, "name">;

/**
 * One of several replicas: where it lives, and its state as it was when the last round ended.
 *
 * A thread or process that dies takes its replica's memory with it, so where lost parts are done again the replica copies its state
 * out at the end of every round, into arrays that this thread keeps: one copy of the history, made by all replicas side by side.
 * A copy every N rounds, and the rounds since then once more from kept weights, would cost less in each round, but a redo N times
 * as much, N whole vectors of weights, and where a partition cannot be redone the state of the round's start would be lost.
 */
export class Member {
  readonly slot: ReplicaSlot;
  readonly #keeps: boolean;
  readonly #buffers: Buffers;
  #info: ReplicaInfo | undefined;
  /** Positions and recurrent state when the last round ended. */
  #place: Place = { positions: [] };
  /** The vectors of its state when the last round ended; undefined where they are not kept, or still zeros. */
  #kept: readonly Float32Array[] | undefined;
  /** Whether it has not trained since its plan was opened. */
  #isFresh = true;
  /** Whether the replica's state is another one than `#kept`, which it gets with the next round. */
  #isStale = false;
  /** The generation of its slot that has its state. */
  #generation = 0;

  /** `keeps` says whether its state is copied out after each round. */
  constructor(slot: ReplicaSlot, keeps: boolean, buffers: Buffers) {
    this.slot = slot;
    this.#keeps = keeps;
    this.#buffers = buffers;
  }

  /** A plan was opened: it is at its start. */
  opened(info: ReplicaInfo): void {
    this.#info = info;
    this.#place = { positions: info.positions };
    this.#kept = undefined;
    this.#isFresh = true;
    this.#isStale = false;
    this.#generation = this.slot.generation;
  }

  /** Whether its state is nowhere any more: its host died, and no copy of it was kept. */
  get isLost(): boolean {
    return !this.#kept && !this.#isFresh && this.slot.generation !== this.#generation;
  }

  /** The call of a round from `weights`; `again` for a replica that has just taken the place of a lost one. */
  request(weights: Float32Array, work: RoundCall["task"]["work"], isElastic: boolean, again: boolean): RoundCall {
    const copy = (values: Float32Array) => this.#buffers.copy(values);
    const isNew = again || this.slot.generation !== this.#generation;
    const sent = isNew || this.#isStale ? this.#kept : undefined;
    const { learnt, length } = this.#info!;
    const room = this.#keeps ? [...this.#history(() => learnt), ...(isElastic ? [length] : [])] : [];
    return {
      task: { work, from: sent && this.#place },
      buffers: [copy(weights), ...(sent ?? []).map(copy)],
      room: room.map((floats) => this.#buffers.take(floats)),
    };
  }

  /** A round is done, and the state after it is the one that counts. */
  commit({ result, room }: Answer<"round">): void {
    this.#buffers.give(this.#kept ?? []);
    this.#kept = this.#keeps ? room : undefined;
    const { positions, carries } = result;
    this.#place = { positions, carries };
    this.#isFresh = false;
    this.#isStale = false;
    this.#generation = this.slot.generation;
  }

  /** Its part of a round was dropped: its state is lost with it. */
  lose(): void {
    this.#buffers.give(this.#kept ?? []);
    this.#kept = undefined;
    this.#isFresh = false;
    this.#generation = NO_GENERATION;
  }

  /** A round failed: whatever the replica has done of it does not count, where its state was kept. */
  rewind(): void {
    if (!this.#keeps) {
      this.#isFresh = false;
      return;
    }
    this.#kept ??= this.#zeros();
    this.#isStale = true;
  }

  /** The history that was kept, to be changed: the replica goes on from what it is then. */
  shareable(): readonly Float32Array[] {
    this.#isStale = true;
    return this.#kept!.slice(0, this.#info!.slots);
  }

  /** Sets its state: the replica gets it with the next round. The vectors are taken over. */
  set(state: ReplicaState): void {
    this.#buffers.give(this.#kept ?? []);
    this.#kept = vectorsOf(state);
    this.#place = { positions: state.positions, carries: state.carries };
    this.#isFresh = false;
    this.#isStale = true;
  }

  /** Where it is in its data. */
  get positions(): readonly number[] {
    return this.#place.positions;
  }

  /** A copy of its state; undefined where it is lost. */
  async state(isElastic: boolean): Promise<ReplicaState | undefined> {
    const { slots, learnt, length } = this.#info!;
    const state = (vectors: readonly Float32Array[]) => stateOf(this.#place, vectors, slots);
    if (this.#kept) return state(this.#kept.map((values) => values.slice()));
    if (this.#isFresh) return state(this.#zeros());
    if (this.isLost) return undefined;
    const lengths = [...this.#history(() => learnt), ...(isElastic ? [length] : [])];
    const request = { task: {}, buffers: [], room: lengths.map((floats) => new Float32Array(floats)) };
    const answer = await this.slot.call("state", request, {}).catch((error: unknown) => {
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
    return this.#history(() => new Float32Array(this.#info!.learnt));
  }

  #history<T>(of: () => T): T[] {
    return Array.from({ length: this.#info!.slots }, of);
  }
}
