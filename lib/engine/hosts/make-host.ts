import { availableParallelism } from "node:os";
import { NetrunError } from "../../error.js";
import type { SessionOptions } from "../../onnx/session.js";
import { isInRange, shown } from "../../options/number.js";
import { HOSTS } from "../../options/parallel.js";
import type { Host } from "./host.js";
import { ProcessHost } from "./process-host.js";
import { ThreadHost } from "./thread-host.js";

/** Place of replicas. */
export interface HostOptions {
  /** Worker threads, or child processes, whose crashes leave this one alone. Default thread. */
  readonly isolation?: "thread" | "process" | undefined;
  /** A replica that does not finish an iteration for this long is lost; found from how long iterations take where undefined. */
  readonly workerTimeoutMs?: number | undefined;
  /** Makes a replica's host, in place of what `isolation` says. */
  readonly host?: ((index: number) => Host) | undefined;
}

/** Factory of each replica's host, by its index. */
export function hostMaker({ host, isolation }: HostOptions): (index: number) => Host {
  return host ?? ((index) => (isolation === "process" ? new ProcessHost(index) : new ThreadHost(index)));
}

/**
 * Options of replicas that run on a device. On WebGPU each is in a process of its own: onnxruntime ends a process in which several threads
 * use it. Throws NetrunError where threads are asked for there.
 */
export function hostsOn<T extends HostOptions>(options: T, { provider }: SessionOptions): T {
  if (provider !== "webgpu" || options.host !== undefined) return options;
  if (options.isolation === "thread") {
    throw new NetrunError("on WebGPU replicas are processes: onnxruntime does not bear several threads there", {
      notes: ["--isolation process (in the API isolation), which is what they are without it"],
    });
  }
  return { ...options, isolation: "process" };
}

/** The session options of each of some replicas on this machine: they share its cores, unless threads were asked for. */
export function sharedSession(session: SessionOptions, workers: number): SessionOptions {
  // One alone trains as it would in this thread, with the threads that it chooses.
  if (session.threads !== undefined || workers === 1) return session;
  return { ...session, threads: Math.max(1, Math.floor(availableParallelism() / workers)) };
}

/** Checks a number of replicas. Throws NetrunError for one that is none. */
export function checkWorkers(workers: number): void {
  if (isInRange(workers, HOSTS.workers.range)) return;
  throw new NetrunError(`${shown(workers)} workers`, { notes: ["give a whole number, 1 or more"] });
}
