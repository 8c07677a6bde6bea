const SIMPLE_ESCAPES = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
  "?": 63,
  "'": 39,
  '"': 34,
} as const satisfies Record<string, number>;

const ESCAPE = /\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g;

/**
 * The bytes that a quoted string stands for: C's escapes, octal and hex bytes, \u and \U as UTF-8.
 * An escape that does not exist is returned as the offset of its backslash in `quoted`.
 */
export function unquote(quoted: string): Uint8Array | number {
  const chunks: Uint8Array[] = [];
  let from = 1;
  for (const match of quoted.matchAll(ESCAPE)) {
    chunks.push(Buffer.from(quoted.slice(from, match.index)));
    const [all, octal, hex, short, long, simple] = match;
    const code = short ?? long;
    if (octal !== undefined) chunks.push(Uint8Array.of(Number.parseInt(octal, 8)));
    else if (hex !== undefined) chunks.push(Uint8Array.of(Number.parseInt(hex, 16)));
    else if (code !== undefined) {
      const point = Number.parseInt(code, 16);
      if (point > 0x10ffff) return match.index;
      chunks.push(Buffer.from(String.fromCodePoint(point)));
    } else {
      const byte: number | undefined = SIMPLE_ESCAPES[simple as keyof typeof SIMPLE_ESCAPES];
      if (byte === undefined) return match.index;
      chunks.push(Uint8Array.of(byte));
    }
    from = match.index + all.length;
  }
  chunks.push(Buffer.from(quoted.slice(from, -1)));
  return Buffer.concat(chunks);
}

/** A string in quotes that reads back to the same: control characters as octal, everything else as it is. */
export function quote(text: string | Uint8Array): string {
  if (typeof text !== "string") return `"${Array.from(text, quoteByte).join("")}"`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what has to be escaped
  return `"${text.replace(/[\u0000-\u001f\u007f"\\]/g, (char) => quoteByte(char.charCodeAt(0)))}"`;
}

function quoteByte(byte: number): string {
  if (byte === 10) return "\\n";
  if (byte === 13) return "\\r";
  if (byte === 9) return "\\t";
  if (byte === 34 || byte === 92) return `\\${String.fromCharCode(byte)}`;
  return byte < 32 || byte > 126 ? `\\${byte.toString(8).padStart(3, "0")}` : String.fromCharCode(byte);
}

/** The value of an integer token: decimal, hex (0x) or octal (a leading 0). Undefined for an octal with an 8 or 9. */
export function parseInteger(text: string): bigint | undefined {
  if (/^0[xX]/.test(text)) return BigInt(text);
  if (!/^0\d/.test(text)) return BigInt(text);
  return /^[0-7]+$/.test(text) ? BigInt(`0o${text.slice(1)}`) : undefined;
}

/** A float32 in the fewest digits that read back to it. */
export function printFloat(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0";
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

/** A double in the fewest digits that read back to it. */
export function printDouble(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}
