import { packError, type WireError } from "../wire-error.js";
import type { TestScore } from "./median.js";
import { type AskHopeless, type TrialOutcome, type TrialPart, trainPart } from "./trial.js";

/** Message of a part that was sent here: a warning, a test, which is answered by whether the run is hopeless, or the end. */
export type FromTrial =
  | { readonly warning: WireError }
  | { readonly test: TestScore }
  | { readonly outcome: TrialOutcome }
  | { readonly error: WireError };

const warn = (warning: Error) => void process.send!({ warning: packError(warning) } satisfies FromTrial);
const isHopeless: AskHopeless = (test) =>
  new Promise((answered) => {
    process.once("message", (isHopeless) => answered(isHopeless as boolean));
    process.send!({ test } satisfies FromTrial);
  });

// One part for each process: what crashes, or takes memory, is gone with it.
process.once("message", async (part) => {
  const answer: FromTrial = await trainPart(part as TrialPart, { warn, isHopeless }).then(
    (outcome) => ({ outcome }),
    (error: unknown) => ({ error: packError(error) }),
  );
  process.send!(answer, () => process.disconnect());
});
process.on("disconnect", () => process.exit(0));
