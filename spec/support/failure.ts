import { expect } from "chai";
import { NetrunError } from "../../lib/error.js";

/** Checks that a promise rejects with a NetrunError that prints with `text` in it. */
export async function failure(promise: Promise<unknown>, text: string): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(NetrunError);
  expect((error as NetrunError).format()).to.include(text);
}
