import { prng } from "../prng.js";
import { mutate } from "./bytes.js";

/** Values of damaged length fields, counts and offsets. */
const LENGTHS = [0, 1, 2, 0x7f, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

/** Damages a copy of a binary file where its structure is: length fields, counts, sections. Deterministic by seed. */
export function mutateStructure(bytes: Uint8Array, seed: number): Uint8Array {
  const random = prng(seed);
  const below = (n: number) => Math.floor(random() * n);
  // Headers stand at one end or the other.
  const place = (room: number) => {
    const edge = Math.min(room, 256);
    return [below(room), below(edge), room - 1 - below(edge)][below(3)]!;
  };
  const result = Buffer.from(bytes);
  if (result.length < 16) return mutate(bytes, seed);
  const value = LENGTHS[below(LENGTHS.length)]!;
  const [a, b] = [place(result.length - 8), place(result.length - 8)];
  switch (below(8)) {
    case 0:
      result.writeUInt32LE(value, a);
      return result;
    case 1:
      result.writeUInt32BE(value, a);
      return result;
    case 2:
      result.writeBigUInt64LE((BigInt(value) << BigInt(8 * below(5))) & 0xffffffffffffffffn, a);
      return result;
    case 3:
      result.writeUInt16LE(value & 0xffff, a);
      return result;
    case 4:
      return result.subarray(0, a);
    case 5: {
      // Sections change places, or one is there twice.
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      const [head, middle, tail] = [result.subarray(0, from), result.subarray(from, to), result.subarray(to)];
      return Buffer.concat(below(2) ? [head, tail, middle] : [head, middle, middle, tail]);
    }
    case 6:
      result.copy(result, a, b, Math.min(result.length, b + 1 + below(64)));
      return result;
    default:
      return mutate(bytes, seed);
  }
}
