import { type ChildProcess, fork } from "node:child_process";
import { maxAlloc, readTimeoutMs } from "./budget.js";
import { NetrunError } from "./error.js";

/** What a child process answers a request with: a value, or why there is none. */
export type Reply = { readonly value: unknown } | { readonly failure: string };

/** How long a reader may take, in milliseconds, and what its errors say first. */
export interface IsolatedOptions {
  readonly timeoutMs?: number;
  /** The file that is read, for errors. */
  readonly file: string;
  readonly what: string;
}

/** What of a child's last words is kept. */
const LAST_WORDS = 4096;

/**
 * A reader in a child process: what would end or freeze this one (an abort in native code or V8, an endless loop, too much memory)
 * is a NetrunError here. `module` is run by `serveIsolated`. One request at a time.
 */
export class Isolated implements AsyncDisposable {
  readonly #options: IsolatedOptions;
  readonly #child: ChildProcess;
  readonly #exit: Promise<void>;
  #stderr = "";
  #pending: { resolve(reply: Reply): void; reject(error: NetrunError): void } | undefined;
  #end: NetrunError | undefined;

  constructor(module: URL, args: readonly string[], options: IsolatedOptions) {
    this.#options = options;
    this.#child = fork(module, args, {
      execArgv: [`--max-old-space-size=${Math.max(256, Math.ceil(maxAlloc() / 2 ** 20))}`],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-LAST_WORDS);
    });
    this.#child.on("message", (reply: Reply) => this.#pending?.resolve(reply));
    this.#child.on("error", (error) => this.#close(this.#failed(error.message)));
    this.#exit = new Promise((resolve) => {
      // Not before what it wrote is read: it may say why it ended.
      this.#child.on("close", (code, signal) => {
        this.#close(this.#failed(`its reader ended (${signal ?? `exit status ${code}`})${this.#lastWords()}`));
        resolve();
      });
    });
    this.#hold(false);
  }

  /** Asks for something. Rejects with a NetrunError if it cannot be had, or not in time. */
  async ask(request: unknown): Promise<unknown> {
    if (this.#end) throw this.#end;
    const timeoutMs = this.#options.timeoutMs ?? readTimeoutMs();
    let timer: NodeJS.Timeout | undefined;
    this.#hold(true);
    try {
      const reply = await new Promise<Reply>((resolve, reject) => {
        this.#pending = { resolve, reject };
        timer = setTimeout(() => {
          this.#close(this.#failed(`reading takes longer than ${timeoutMs / 1000} s`));
          this.#child.kill("SIGKILL");
        }, timeoutMs);
        this.#child.send(request as object, (error) => {
          if (error) this.#child.kill("SIGKILL");
        });
      });
      if ("failure" in reply) throw this.#failed(reply.failure);
      return reply.value;
    } finally {
      clearTimeout(timer);
      this.#pending = undefined;
      this.#hold(false);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close(this.#failed("it is closed"));
    this.#hold(true);
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  /** Keeps this process alive only while it waits for an answer. */
  #hold(waits: boolean): void {
    const call = waits ? "ref" : "unref";
    this.#child[call]();
    this.#child.channel?.[call]();
    (this.#child.stderr as unknown as Record<typeof call, () => void>)[call]();
  }

  #close(reason: NetrunError): void {
    this.#end ??= reason;
    this.#pending?.reject(this.#end);
  }

  #failed(reason: string): NetrunError {
    return new NetrunError(this.#options.what, { file: this.#options.file, notes: [reason] });
  }

  /** The line of a crash that says what it was. */
  #lastWords(): string {
    const said = this.#stderr.split("\n").find((line) => /fatal|limit/i.test(line));
    return said === undefined ? "" : `: ${said.replace(/[#\s]+/g, " ").trim()}`;
  }
}
