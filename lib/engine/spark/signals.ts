import { EventEmitter } from "node:events";

/** Signals that the JVM of spark-submit has got and passes on, as events of their names. */
export const passedSignals = new EventEmitter();

/** Meets a signal that the JVM passes on; where nobody listens it ends this process, as it would have by itself. */
export function passSignal(name: NodeJS.Signals): void {
  if (!passedSignals.emit(name)) process.kill(process.pid, name);
}
