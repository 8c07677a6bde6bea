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

const ESCAPE = /\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/y;

/**
 * The bytes that a quoted string stands for: C's escapes, octal and hex bytes, \u and \U as UTF-8.
 * An escape that does not exist is returned as the offset of its backslash in `quoted`.
 */
export function unquote(quoted: string): Uint8Array | number {
  // An escape is longer than what it stands for.
  const bytes = Buffer.allocUnsafe(Buffer.byteLength(quoted));
  const last = quoted.length - 1;
  let length = 0;
  for (let from = 1; ; ) {
    const backslash = quoted.indexOf("\\", from);
    length += bytes.write(quoted.slice(from, backslash < 0 ? last : backslash), length);
    if (backslash < 0) return bytes.subarray(0, length);
    ESCAPE.lastIndex = backslash;
    const [all, octal, hex, short, long, simple] = ESCAPE.exec(quoted)!;
    const code = short ?? long;
    if (code === undefined) {
      const byte = byteOf(octal, hex, simple);
      if (byte === undefined) return backslash;
      bytes[length++] = byte;
    } else {
      const point = Number.parseInt(code, 16);
      if (point > 0x10ffff) return backslash;
      length += bytes.write(String.fromCodePoint(point), length);
    }
    from = backslash + all.length;
  }
}

function byteOf(octal: string | undefined, hex: string | undefined, simple: string | undefined): number | undefined {
  if (octal !== undefined) return Number.parseInt(octal, 8) & 0xff;
  if (hex !== undefined) return Number.parseInt(hex, 16);
  return SIMPLE_ESCAPES[simple as keyof typeof SIMPLE_ESCAPES];
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

/** Digits that no integer field has room for, in any base. */
const MANY_DIGITS = 24;
/** Above every integer field's range. */
const TOO_LARGE = 2n ** 80n;

/**
 * The value of an integer token: decimal, hex (0x) or octal (a leading 0); of a very long one, that it is too large.
 * Undefined for an octal with an 8 or 9.
 */
export function parseInteger(text: string): bigint | undefined {
  const isHex = text[1] === "x" || text[1] === "X";
  const isOctal = !isHex && text[0] === "0" && text.length > 1;
  if (isOctal && /[89]/.test(text)) return undefined;
  let start = isHex ? 2 : isOctal ? 1 : 0;
  while (text[start] === "0") start++;
  const digits = text.slice(start);
  // The time to convert digits grows with the square of their number.
  if (digits.length > MANY_DIGITS) return TOO_LARGE;
  return BigInt((isHex ? "0x" : isOctal ? "0o" : "") + (digits || "0"));
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
