import { prng } from "./prng.js";

const INTERESTING = [0, 1, 0x7f, 0x80, 0xff, 10, 34, 91, 93, 123, 125];

/** Damages a copy of bytes in one to five places: flips, inserts, deletes, repeats, cuts off, splices. Deterministic by seed. */
export function mutate(bytes: Uint8Array, seed: number): Uint8Array {
  const random = prng(seed);
  const below = (n: number) => Math.floor(random() * n);
  let result = Buffer.from(bytes);
  for (let n = 1 + below(5); n > 0; n--) {
    const at = below(result.length + 1);
    const length = 1 + below(below(2) ? 8 : 200);
    const slice = () => {
      const from = below(result.length + 1);
      return result.subarray(from, from + length);
    };
    switch (below(7)) {
      case 0:
        if (at < result.length) result[at] = result[at]! ^ (1 << below(8));
        break;
      case 1:
        if (at < result.length) result[at] = INTERESTING[below(INTERESTING.length)]!;
        break;
      case 2:
        result = Buffer.concat([result.subarray(0, at), result.subarray(at + length)]);
        break;
      case 3:
        result = Buffer.concat([result.subarray(0, at), slice(), result.subarray(at)]);
        break;
      case 4:
        result = Buffer.concat([result.subarray(0, at), Buffer.alloc(length, below(256)), result.subarray(at)]);
        break;
      case 5:
        result = Buffer.concat([
          result.subarray(0, at),
          Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07]),
          result.subarray(at),
        ]);
        break;
      default:
        if (below(4) === 0) result = result.subarray(0, at);
    }
  }
  return Uint8Array.from(result);
}
