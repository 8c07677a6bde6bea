import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";
import { NetrunError } from "../error.js";

/**
 * onnxruntime's own switch: telemetry is off in a process where native code finds this when the library starts, for good. There is
 * none in its JavaScript interface. A value that the user has set stays, so that `0` keeps telemetry on.
 */
const VARIABLE = "ORT_DISABLE_TELEMETRY";
const OFF = `process.env.${VARIABLE} ||= "1"`;

/** Says to threads that are started from here that the process's environment has the variable. */
const KEY = `netrun: ${VARIABLE}`;
/** The main thread answers even in the middle of a computation, unless it blocks. */
const ANSWER_MS = 10_000;

// When it is imported, so that it holds for the threads and processes that are started from now on.
if (isMainThread) {
  process.env[VARIABLE] ||= "1";
  setEnvironmentData(KEY, true);
}

/** Turns onnxruntime's telemetry off in this process; to be awaited before the library loads. Throws NetrunError if that fails. */
export async function turnOffTelemetry(): Promise<void> {
  if (getEnvironmentData(KEY)) return;
  // A thread of a program whose main thread has not loaded netrun. Its process.env is a copy that native code never reads.
  try {
    await evaluateInMainThread(OFF);
  } catch (cause) {
    throw new NetrunError("onnxruntime's telemetry cannot be turned off from this worker thread", {
      cause,
      notes: [
        'import "netrun" in the main thread before it starts the worker',
        `or set ${VARIABLE}=1 in the environment of the program, and ${VARIABLE}=0 to have telemetry`,
      ],
    });
  }
  setEnvironmentData(KEY, true);
}

/** Evaluates an expression in the main thread; only the inspector reaches into it without its help. */
async function evaluateInMainThread(expression: string): Promise<void> {
  const { Session } = await import("node:inspector");
  const session = new Session();
  session.connectToMainThread();
  try {
    await new Promise<void>((resolve, reject) => {
      // A session does not keep the thread alive, the timer does.
      const timer = setTimeout(() => reject(new Error(`no answer in ${ANSWER_MS} ms`)), ANSWER_MS);
      session.post("Runtime.evaluate", { expression }, (error, answer) => {
        clearTimeout(timer);
        if (error) reject(error);
        else if (answer.exceptionDetails) reject(new Error(answer.exceptionDetails.text));
        else resolve();
      });
    });
  } finally {
    session.disconnect();
  }
}
