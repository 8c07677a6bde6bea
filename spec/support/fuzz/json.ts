import { prng } from "../prng.js";

const VALUES = [
  "0",
  "-1",
  "0.5",
  "1e999",
  "-0",
  "9007199254740993",
  "null",
  "true",
  '""',
  '"x"',
  "[]",
  "{}",
  '"constructor"',
  '"\\u0000"',
];
const DEPTH = 100_000;

/** Damages a JSON text token by token: other values, tokens gone or twice, deep nesting, repeated keys. Deterministic by seed. */
export function mutateJson(bytes: Uint8Array, seed: number): Uint8Array {
  const random = prng(seed);
  const below = (n: number) => Math.floor(random() * n);
  const tokens =
    Buffer.from(bytes)
      .toString("utf8")
      .match(/"(?:[^"\\]|\\.)*"|-?[\d.]+(?:[eE][-+]?\d+)?|\w+|[^\s]/g) ?? [];
  for (let n = 1 + below(2); n > 0; n--) {
    const at = below(tokens.length);
    switch (below(6)) {
      case 0:
        tokens.splice(at, 1);
        break;
      case 1:
        tokens.splice(at, 0, ...tokens.slice(at, at + 1 + below(8)));
        break;
      case 2:
        if (below(20) === 0) tokens[at] = below(2) ? "[".repeat(DEPTH) : `${"[".repeat(DEPTH)}${"]".repeat(DEPTH)}`;
        break;
      case 3:
        tokens[at] = tokens[below(tokens.length)]!;
        break;
      default: {
        // Values, and not what stands between them.
        const values = tokens.flatMap((token, i) => (/^["\w.-]/.test(token) && tokens[i + 1] !== ":" ? [i] : []));
        if (values.length > 0) tokens[values[below(values.length)]!] = VALUES[below(VALUES.length)]!;
      }
    }
  }
  return Buffer.from(tokens.join(""));
}
