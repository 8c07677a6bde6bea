import { Buffer } from "node:buffer";
import type { Readable } from "node:stream";

/** A message between Node and a JVM, as spark/README.md describes it: a head in JSON, and bodies that only Node reads. */
export interface Frame {
  readonly head: Readonly<Record<string, unknown>>;
  readonly bodies: readonly Uint8Array[];
}

const WORD = 4;

/** The bytes of a message: the number of parts, their lengths, and the parts, numbers as uint32 big endian. */
export function packFrame({ head, bodies }: Frame): Uint8Array {
  const parts = [Buffer.from(JSON.stringify(head)), ...bodies];
  const words = Buffer.alloc(WORD * (1 + parts.length));
  words.writeUInt32BE(parts.length);
  for (const [i, part] of parts.entries()) words.writeUInt32BE(part.byteLength, WORD * (1 + i));
  return Buffer.concat([words, ...parts]);
}

/** The messages of a stream, until it ends. Throws a plain Error for one that ends within a message. */
export async function* readFrames(stream: Readable): AsyncGenerator<Frame> {
  let bytes: Buffer = Buffer.alloc(0);
  let pending: Buffer[] = [];
  let length = 0;
  let wanted = WORD;
  for await (const chunk of stream) {
    pending.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    // A message of many chunks is joined once.
    if (length < wanted) continue;
    bytes = Buffer.concat(pending);
    for (;;) {
      wanted = wantedOf(bytes);
      if (bytes.length < wanted) break;
      const { parts, end } = partsOf(bytes);
      const [head, ...bodies] = parts as [Buffer, ...Buffer[]];
      yield { head: JSON.parse(head.toString()) as Frame["head"], bodies };
      bytes = bytes.subarray(end);
    }
    pending = bytes.length > 0 ? [bytes] : [];
    length = bytes.length;
  }
  if (length > 0) throw new Error("the stream ended within a message");
}

/** Bytes that the first message has, as far as they tell. */
function wantedOf(bytes: Buffer): number {
  if (bytes.length < WORD) return WORD;
  const count = bytes.readUInt32BE();
  let total = WORD * (1 + count);
  if (bytes.length < total) return total;
  for (let i = 0; i < count; i++) total += bytes.readUInt32BE(WORD * (1 + i));
  return total;
}

function partsOf(bytes: Buffer): { readonly parts: readonly Buffer[]; readonly end: number } {
  const count = bytes.readUInt32BE();
  let at = WORD * (1 + count);
  const parts = Array.from({ length: count }, (_, i) => {
    const start = at;
    at += bytes.readUInt32BE(WORD * (1 + i));
    return bytes.subarray(start, at);
  });
  return { parts, end: at };
}
