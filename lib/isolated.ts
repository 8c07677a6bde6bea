import { type ChildProcess, fork } from "node:child_process";
import { statSync } from "node:fs";
import { maxAlloc, readTimeoutMs } from "./budget.js";
import { NetrunError } from "./error.js";

/** Answer of a child process: a value, or why there is none. */
export type Reply = { readonly value: unknown } | { readonly failure: Failure };

/** First message of a child, sent once its reader is loaded. */
export const READY = "ready";

/** Reason for a missing value; the message, file and notes of a NetrunError, or (`isForeign`) of any other. */
export interface Failure {
  readonly message: string;
  readonly isForeign?: boolean;
  readonly file?: string | undefined;
  readonly notes?: readonly string[];
}

/** Time limit of a reader, in milliseconds, and what its errors say first. */
export interface IsolatedOptions {
  readonly timeoutMs?: number;
  /** The file that is read, for errors. */
  readonly file: string;
  readonly what: string;
}

/** Part of a child's last words that is kept. */
const LAST_WORDS = 4096;

/** Time limit of loading a reader, on a busy machine too; what a file may take is counted from there. */
const START_MS = 60_000;

/** The longest time that a timer takes: a longer one would be over at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Time that a child whose reader is closed waits for the next one: starting one takes longer than reading a small file. */
const IDLE_MS = 1000;

/** Failures after which a child reads no other file: a library that met a damaged one may be damaged itself. */
let failuresKept = 0;

/** Has children serve other readers until they failed more than `failures` times; for runs over thousands of damaged files. */
export function keepAfterFailures(failures: number): void {
  failuresKept = failures;
}

/** A process that serves one reader at a time. */
class Child {
  readonly process: ChildProcess;
  /** Settles when its reader is loaded, or will never be. */
  readonly ready: Promise<void>;
  /** Settles when the process is gone. */
  readonly exit: Promise<void>;
  /** Reason why it serves no more. */
  end: string | undefined;
  failures = 0;
  #stderr = "";
  #pending: ((reply: Reply | string) => void) | undefined;
  #isReady = () => {};
  #asked = 0;

  constructor(module: URL, args: readonly string[]) {
    this.process = fork(module, args, {
      execArgv: [`--max-old-space-size=${Math.max(256, Math.ceil(maxAlloc() / 2 ** 20))}`],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.process.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-LAST_WORDS);
    });
    this.ready = new Promise((resolve) => {
      this.#isReady = resolve;
    });
    this.process.on("message", (reply: Reply | typeof READY) => {
      if (reply === READY) return this.#isReady();
      // Nobody asked: a rejection that was left behind.
      if (!this.#pending) this.kill("it failed later");
      this.#pending?.(reply);
    });
    this.process.on("error", (error) => this.#close(error.message));
    this.exit = new Promise((resolve) => {
      // Not before what it wrote is read: it may say why it ended.
      this.process.on("close", (code, signal) => {
        this.#close(`its reader ended (${signal ?? `exit status ${code}`})${this.#lastWords()}`);
        resolve();
      });
    });
    this.hold(false);
  }

  /** The reply to a request, or why there is none and will be none. */
  async ask(request: unknown, timeoutMs: number): Promise<Reply | string> {
    let stop = () => {};
    this.#asked++;
    this.hold(true);
    try {
      stop = deadline(START_MS, () => this.kill(`its reader does not start within ${START_MS / 1000} s`));
      await this.ready;
      stop();
      if (this.end !== undefined) return this.end;
      return await new Promise<Reply | string>((resolve) => {
        this.#pending = resolve;
        stop = deadline(Math.min(timeoutMs, LONGEST_MS), () => this.kill(tooLong(timeoutMs)));
        this.process.send(request as object, (error) => {
          if (error) this.process.kill("SIGKILL");
        });
      });
    } finally {
      stop();
      this.#pending = undefined;
      this.#asked--;
      // Whoever closes a busy reader waits for its end, which comes at once.
      if (this.end === undefined) this.hold(false);
    }
  }

  kill(reason: string): void {
    this.#close(reason);
    this.process.kill("SIGKILL");
  }

  get isBusy(): boolean {
    return this.#asked > 0;
  }

  /** Keeps this process alive only while it waits for an answer. */
  hold(waits: boolean): void {
    const call = waits ? "ref" : "unref";
    this.process[call]();
    this.process.channel?.[call]();
    (this.process.stderr as unknown as Record<typeof call, () => void>)[call]();
  }

  #close(reason: string): void {
    this.end ??= reason;
    this.#isReady();
    this.#pending?.(this.end);
  }

  /** The line of a crash that says what it was. */
  #lastWords(): string {
    const said = this.#stderr.split("\n").find((line) => /fatal|limit/i.test(line));
    return said === undefined ? "" : `: ${said.replace(/[#\s]+/g, " ").trim()}`;
  }
}

/** A timer is late by more than this where the thread was busy. */
const LATE_MS = 100;

/**
 * Calls `over` after so many milliseconds. Where this thread was busy meanwhile (it compiles a net, say), what has come is not read yet, and the
 * time starts again. The result stops it.
 */
function deadline(ms: number, over: () => void): () => void {
  let due = performance.now() + ms;
  const check = () => {
    if (performance.now() - due < LATE_MS) return over();
    due = performance.now() + ms;
    timer = setTimeout(check, ms);
  };
  let timer = setTimeout(check, ms);
  return () => clearTimeout(timer);
}

const tooLong = (timeoutMs: number): string =>
  `reading takes longer than ${Math.round(timeoutMs) / 1000} s, the limit that NETRUN_READ_TIMEOUT_MS raises`;

/** Bytes of a file; none where it is not to be had, which its reader says. */
const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** The child that waits for the next reader of its kind, one of each. */
const idle = new Map<string, { readonly child: Child; readonly timer: NodeJS.Timeout }>();

function take(key: string): Child | undefined {
  const found = idle.get(key);
  if (!found) return undefined;
  idle.delete(key);
  clearTimeout(found.timer);
  return found.child.end === undefined ? found.child : undefined;
}

function giveBack(key: string, child: Child): void {
  take(key)?.kill("it is not needed");
  const timer = setTimeout(() => take(key)?.kill("it is not needed"), IDLE_MS);
  timer.unref();
  idle.set(key, { child, timer });
}

/**
 * A reader in a child process: what would end or freeze this one (an abort in native code or V8, an endless loop, too much memory)
 * is a NetrunError here. `module` is run by `serveIsolated`. Requests are answered one after another.
 */
export class Isolated implements AsyncDisposable {
  readonly #options: IsolatedOptions;
  readonly #key: string;
  readonly #child: Child;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(module: URL, args: readonly string[], options: IsolatedOptions) {
    this.#options = options;
    this.#key = [module.href, ...args, maxAlloc()].join("\n");
    this.#child = take(this.#key) ?? new Child(module, args);
  }

  /** Asks for something; `file` is what it is about, if it is another. Rejects with a NetrunError if it cannot be had, or not in time. */
  ask(request: unknown, file: string = this.#options.file): Promise<unknown> {
    const answer = this.#last.then(() => this.#ask(request, file));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const child = this.#child;
    if (child.end === undefined && !child.isBusy && child.failures <= failuresKept) return giveBack(this.#key, child);
    child.hold(true);
    child.kill("it is closed");
    await child.exit;
  }

  async #ask(request: unknown, file: string): Promise<unknown> {
    const { what, timeoutMs = readTimeoutMs(sizeOf(file)) } = this.#options;
    const reply = this.#isClosed ? "it is closed" : await this.#child.ask(request, timeoutMs);
    if (typeof reply === "string") throw new NetrunError(what, { file, notes: [reply] });
    if ("value" in reply) return reply.value;
    this.#child.failures++;
    const { message, isForeign, notes = [] } = reply.failure;
    if (isForeign) throw new NetrunError(what, { file, notes: [message] });
    throw new NetrunError(message, { file: reply.failure.file ?? file, notes });
  }
}
