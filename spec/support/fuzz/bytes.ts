import { prng } from "../prng.js";

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

const NUMBERS = [
  "0",
  "-1",
  "1",
  "2",
  "3",
  "7",
  "1000",
  "2147483647",
  "4294967295",
  "1e30",
  "0.5",
  "nan",
  "inf",
  "-inf",
];

/** Puts other numbers, extreme ones among them, into one or two fields of a prototxt, and may drop or repeat a line. */
export function mutateNumbers(text: string, seed: number): string {
  const random = prng(seed);
  const below = (n: number) => Math.floor(random() * n);
  let result = text;
  for (let n = 1 + below(2); n > 0; n--) {
    const numbers = [...result.matchAll(/(?<=[:,[]\s*)-?\d[\d.e-]*/g)];
    const match = numbers[below(numbers.length)];
    if (!match) break;
    result =
      result.slice(0, match.index) + NUMBERS[below(NUMBERS.length)] + result.slice(match.index + match[0].length);
  }
  if (below(2) === 0) return result;
  const lines = result.split("\n");
  const at = below(lines.length);
  if (below(2) === 0) lines.splice(at, 1);
  else lines.splice(below(lines.length), 0, lines[at]!);
  return lines.join("\n");
}
