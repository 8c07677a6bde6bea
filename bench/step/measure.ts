import { others } from "./disturbance.js";
import type { Program } from "./programs.js";

/** Share of a processor that others may take in a window. */
const DISTURBED = 0.08;
/** Length of a window, in milliseconds. */
const WINDOW = 1500;
/** Number of times that a disturbed window is tried again. */
const RETRIES = 3;

/** Time of one program for a step of one net. */
export interface Timing {
  readonly program: string;
  readonly minMs: number;
  readonly medianMs: number;
  /** Windows that were thrown away. */
  readonly disturbed: number;
}

/**
 * Times programs in turn, a window each in every round, after a few steps that are not counted. Ends them. Windows that other
 * processes disturbed are tried again a few times; a program without a quiet window has NaN.
 */
export async function timesOf(programs: readonly Program[], rounds: number): Promise<Timing[]> {
  const known = programs.map((program) => ({ program, ms: [] as number[], steps: 1, disturbed: 0 }));
  const pids = [process.pid, ...programs.map(({ pid }) => pid)];
  try {
    for (const each of known) {
      await each.program.steps(2);
      const [last] = await each.program.steps(1);
      each.steps = Math.max(2, Math.min(100, Math.round(WINDOW / last!)));
    }
    for (let round = 0; round < rounds; round++) {
      for (const each of known) {
        for (let trial = 0; trial <= RETRIES; trial++) {
          const { result, share } = await others(pids, () => each.program.steps(each.steps));
          if (share <= DISTURBED) {
            each.ms.push(...result);
            break;
          }
          each.disturbed++;
        }
      }
    }
  } finally {
    for (const program of programs) program.end();
  }
  return known.map(({ program: { name }, ms, disturbed }) => {
    ms.sort((a, b) => a - b);
    return { program: name, minMs: ms[0] ?? Number.NaN, medianMs: ms[ms.length >> 1] ?? Number.NaN, disturbed };
  });
}
