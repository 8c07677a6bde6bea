import { NetrunError } from "../error.js";
import type { Answer, Call, CallName, CallPatience, Calls, Host } from "./hosts/host.js";
import { whileAlive } from "./hosts/watch.js";
import type { RemoteStates } from "./state-store.js";

/** Failures in a row of one partition after which training stops. */
const FAILURES = 3;
/** Patience with opening a plan and with a first iteration, which compiles. */
const START_MS = 600_000;
/** A replica is lost if an iteration takes this many times as long as its slowest one, and at least `SLOW_MS`. */
const SLOW_FACTOR = 20;
const SLOW_MS = 60_000;

type OpenName = "open" | "openForward";

/** A partition's replica was lost again and again. */
export class PartitionFailed extends NetrunError {}

/** A call whose name is known. */
type Request<N extends CallName> = Omit<Call<N>, "name">;

/** Policy for a replica that is lost in a call. */
export interface Remedy<N extends CallName> {
  /** The call of its successor, which has the plan open and is at its start; without it the call is skipped. */
  readonly again?: (() => Request<N>) | undefined;
  readonly onLoss?: (reason: string) => void;
  /** Tests whether an error is not the replica's: another one would meet it too. */
  readonly isFatal?: (error: Error) => boolean;
}

/** Rows of each feed that a plan was opened with; no feeds of a net that runs forward. */
const rowsOf = (result: Calls[OpenName]["result"]): readonly number[] =>
  result && "rows" in result ? result.rows : [];

/** The place of one replica: whichever host has it now, and its successors. */
export class ReplicaSlot implements AsyncDisposable {
  readonly index: number;
  readonly #count: number;
  readonly #make: () => Host;
  readonly #timeoutMs: number | undefined;
  #host: Host | undefined;
  /** Opens what the slot's replica has open, in a new host. */
  #reopen: (() => Promise<Calls[OpenName]["result"]>) | undefined;
  /** Rows of the data of each of its feeds when the plan was opened first. */
  #rows: readonly number[] = [];
  #disposed = false;
  #failures = 0;
  #slowestMs = 0;
  #generation = 0;
  #sharesMemory = false;
  #states: RemoteStates | undefined;

  constructor(index: number, count: number, make: () => Host, timeoutMs: number | undefined) {
    this.index = index;
    this.#count = count;
    this.#make = make;
    this.#timeoutMs = timeoutMs;
  }

  /** Place of its replica's states on a cluster; undefined where it is on this machine. */
  get states(): RemoteStates | undefined {
    return this.#states;
  }

  /** Place of its replica, if that is on a cluster. */
  get place(): string | undefined {
    return this.#host?.place;
  }

  /** True if its replica, or the one that it had last, sees memory that is shared here. */
  get sharesMemory(): boolean {
    return this.#sharesMemory;
  }

  /** Times that a plan was opened: a replica that takes another one's place knows nothing of its state. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Opens a plan in the slot's host, which is started where there is none, and again in another one where it is lost. Rejects with
   * what is wrong with the plan, or with `PartitionFailed` after three losses.
   */
  async open<N extends OpenName>(
    name: N,
    plan: Calls[N]["task"],
    buffers: () => readonly Float32Array[] = () => [],
  ): Promise<Calls[N]["result"]> {
    const open = async () => {
      this.#host ??= this.#make();
      this.#sharesMemory = this.#host.sharesMemory ?? false;
      this.#states = this.#host.states;
      const { result } = await this.#watched(name, { task: plan, buffers: buffers(), room: [] });
      this.#generation++;
      return result;
    };
    this.#reopen = open;
    for (;;) {
      try {
        const result = await open();
        this.#rows = rowsOf(result);
        this.#failures = 0;
        return result;
      } catch (error) {
        if (this.#disposed || error instanceof NetrunError) throw error;
        await this.#lose(error as Error, undefined);
      }
    }
  }

  /**
   * Calls the replica. If it is lost another one takes its place and is called again, or, where nothing is to be done again, the
   * outcome is undefined. Rejects with `PartitionFailed` after three failures in a row.
   */
  async call<N extends Exclude<CallName, OpenName>>(
    name: N,
    request: Request<N>,
    { again, onLoss, isFatal }: Remedy<N>,
  ): Promise<Answer<N> | undefined> {
    let given: Request<N> | undefined = request;
    for (;;) {
      try {
        if (!this.#host) {
          this.#checkRows(rowsOf(await this.#reopen!()));
          given = again?.();
          if (!given) return undefined;
        }
        const answer = await this.#watched(name, given!);
        this.#failures = 0;
        return answer;
      } catch (error) {
        if (this.#disposed || isFatal?.(error as Error)) throw error;
        if (error instanceof NetrunError && this.#host?.endsOnUserErrors) throw this.#failed(error, "failed");
        await this.#lose(error as Error, onLoss);
      }
    }
  }

  /** Throws NetrunError where the data has changed: positions in it mean other rows then. */
  #checkRows(rows: readonly number[]): void {
    if (rows.every((count, i) => count === this.#rows[i])) return;
    throw new NetrunError(`the data has ${rows.join(", ")} rows now, and had ${this.#rows.join(", ")}`, {
      notes: ["positions in the data now mean other rows: restore the old data, and resume from the last snapshot"],
    });
  }

  async #lose(error: Error, onLoss: Remedy<CallName>["onLoss"]): Promise<void> {
    const host = this.#host;
    this.#host = undefined;
    await host?.[Symbol.asyncDispose]();
    this.#failures++;
    onLoss?.(`${host?.name ?? "worker"}: ${error.message}`);
    if (this.#failures < FAILURES) return;
    this.#failures = 0;
    throw this.#failed(error, `failed ${FAILURES} times in a row`);
  }

  #failed(error: Error, how: string): PartitionFailed {
    const { file, span, notes } =
      error instanceof NetrunError ? error : { file: undefined, span: undefined, notes: [] };
    const message = `partition ${this.index} of ${this.#count} ${how}: ${error.message}`;
    return new PartitionFailed(message, { file, span, notes, cause: error });
  }

  #watched<N extends CallName>(name: N, request: Request<N>): Promise<Answer<N>> {
    const host = this.#host!;
    // Opening, testing and the first iteration compile models.
    let compiles = (name !== "round" && name !== "forward") || host.progress === 0;
    const call = host.call({ name, ...request }, this.#patienceOfCall(name, compiles));
    if (host.watchesItself) return this.#watchedThere(host, call);
    return whileAlive(host, call, {
      everyMs: Math.min(1000, (this.#timeoutMs ?? START_MS) / 4),
      patienceMs: () => this.#patience(name, compiles),
      onIteration: (ms) => {
        if (!compiles) this.#slowestMs = Math.max(this.#slowestMs, ms);
        compiles = false;
      },
    });
  }

  async #watchedThere<T>(host: Host, call: Promise<T>): Promise<T> {
    const answer = await call;
    this.#slowestMs = Math.max(this.#slowestMs, host.slowestMs ?? 0);
    return answer;
  }

  #patienceOfCall(name: CallName, compiles: boolean): CallPatience {
    const factor = this.#timeoutMs === undefined ? SLOW_FACTOR : 0;
    return { firstMs: this.#patience(name, compiles), nextMs: this.#patience(name, false), factor };
  }

  #patience(name: CallName, compiling: boolean): number {
    // A time that is given is an iteration's: starting a thread and opening the data may take longer on a busy machine.
    const isOpening = name === "open" || name === "openForward";
    if (this.#timeoutMs !== undefined) return isOpening ? Math.max(SLOW_MS, this.#timeoutMs) : this.#timeoutMs;
    return compiling ? START_MS : Math.max(SLOW_MS, SLOW_FACTOR * this.#slowestMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#host?.[Symbol.asyncDispose]();
    this.#host = undefined;
  }
}
