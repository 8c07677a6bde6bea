import { packError, type WireError } from "../wire-error.js";
import { type TrialOutcome, type TrialPart, trainPart } from "./trial.js";

/** Answer of a part that was sent here. */
export type FromTrial = { readonly outcome: TrialOutcome } | { readonly error: WireError };

// One part for each process: what crashes, or takes memory, is gone with it.
process.once("message", async (part) => {
  const answer: FromTrial = await trainPart(part as TrialPart).then(
    (outcome) => ({ outcome }),
    (error: unknown) => ({ error: packError(error) }),
  );
  process.send!(answer, () => process.disconnect());
});
process.on("disconnect", () => process.exit(0));
