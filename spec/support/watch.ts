import { writeSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";

/** Tells a thread which case runs: the one beside it names the case if it does not end. */
export interface Watch extends Disposable {
  /** Begins a case. */
  begin(what: string, seed: number): void;
  /** Ends it. */
  end(): void;
}

const LOOK_MS = 500;
const NAME_BYTES = 64;

/** Kills the process with the case's name and seed on standard error where a case takes longer than `limitMs`: a loop leaves no other way. */
export function watchCases(limitMs: number): Watch {
  const shared = new SharedArrayBuffer(16 + NAME_BYTES);
  const [numbers, name] = [new Float64Array(shared, 0, 2), new Uint8Array(shared, 16)];
  const worker = new Worker(new URL(import.meta.url), { workerData: { shared, limitMs }, execArgv: [] });
  worker.unref();
  return {
    begin(what, seed) {
      name.fill(0);
      new TextEncoder().encodeInto(what, name);
      numbers.set([seed, Date.now()]);
    },
    end: () => {
      numbers[1] = 0;
    },
    [Symbol.dispose]: () => void worker.terminate(),
  };
}

if (!isMainThread && (workerData as { limitMs?: number } | null)?.limitMs !== undefined) {
  const { shared, limitMs } = workerData as { readonly shared: SharedArrayBuffer; readonly limitMs: number };
  const [numbers, name] = [new Float64Array(shared, 0, 2), new Uint8Array(shared, 16)];
  setInterval(() => {
    const [seed, start] = numbers as unknown as [number, number];
    if (start === 0 || Date.now() - start < limitMs) return;
    const what = Buffer.from(name).toString("utf8").replace(/\0/g, "");
    writeSync(2, `\n${what}: seed ${seed} does not end within ${limitMs} ms\n`);
    process.kill(process.pid, "SIGKILL");
  }, LOOK_MS);
}
