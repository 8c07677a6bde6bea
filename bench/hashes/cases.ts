import { createHash } from "node:crypto";

/** The public API, this checkout's or another's. */
export type Library = typeof import("../../lib/index.js");

/** Results of one case by name, each of them bytes. */
export type Results = AsyncIterable<readonly [name: string, bytes: Uint8Array | Float32Array | readonly number[]]>;

/** Something computed from fixed inputs. */
export interface Case {
  readonly name: string;
  run(library: Library): Results;
}

/** The first 64 bits of the SHA-256 of bytes or of float64 numbers, in hexadecimal. */
function digest(value: Uint8Array | Float32Array | readonly number[]): string {
  const bytes = ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(Float64Array.from(value).buffer);
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

/** The digests of a case's results by name; a case that is refused has its error's message as a result. */
export async function digests({ name, run }: Case, library: Library): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  try {
    for await (const [result, value] of run(library)) found.set(`${name} ${result}`, digest(value));
  } catch (error) {
    found.set(`${name} error`, (error as Error).message.split("\n")[0]!);
  }
  return found;
}
