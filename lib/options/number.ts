import { NetrunError } from "../error.js";

/** The numbers that an option takes. */
export interface NumberRange {
  readonly whole?: true;
  readonly min?: number;
  readonly max?: number;
  /** The numbers are greater than this one. */
  readonly above?: number;
  /** Plural noun: of what the number is a count or an amount. */
  readonly unit?: string;
}

const INT32_MAX = 2 ** 31 - 1;
/** Numbers with a fraction become Caffe's floats, in which a greater one is infinite. */
const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;

/** Whole numbers of either sign, as int32 fields hold. */
export const INT32 = { whole: true, min: -INT32_MAX - 1, max: INT32_MAX } as const satisfies NumberRange;

/** Whole numbers from 1 on: how many of something there are. */
export const countRange = <U extends string>(unit: U) => ({ whole: true, min: 1, max: INT32_MAX, unit }) as const;

/** Whole numbers from 0 on, where 0 turns something off or means all. */
export const countOrNone = <U extends string>(unit: U) => ({ whole: true, min: 0, max: INT32_MAX, unit }) as const;

/** Seeds of random numbers that JavaScript's numbers hold exactly. */
export const SEED = { whole: true, min: 0, max: Number.MAX_SAFE_INTEGER } as const satisfies NumberRange;

/**
 * A range in words: "a whole number of batches, 1 or more". Bounds that are the format's rather than the option's are not said, but
 * to one who gave `value` above them.
 */
export function describeRange({ whole, max, above, unit, ...range }: NumberRange, value = 0): string {
  const min = range.min === INT32.min ? undefined : range.min;
  const what = `a ${whole ? "whole " : ""}number${unit === undefined ? "" : ` of ${unit}`}`;
  if (!whole && Number.isFinite(value) && Math.abs(value) > FLOAT32_MAX) return `${what} of a size below 3.4e38`;
  const isBound = max !== undefined && (max < INT32_MAX || value > max);
  if (isBound && min !== undefined) return `${what} from ${min} to ${max}`;
  if (isBound && above !== undefined) return `${what} above ${above}, ${max} at most`;
  if (isBound) return `${what}, ${max} at most`;
  if (above !== undefined) return `${what} above ${above}`;
  return min === undefined ? what : `${what}, ${min} or more`;
}

/** Tests whether a value is a finite number in a range. */
export function isInRange(value: unknown, { whole, min, max, above }: NumberRange): value is number {
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (whole ? !Number.isInteger(value) : Math.abs(value) > FLOAT32_MAX) return false;
  return value >= (min ?? -Infinity) && value <= (max ?? Infinity) && value > (above ?? -Infinity);
}

/**
 * Reads the number that `name` (a flag, an option of a path) is given. Throws NetrunError for text that is no number, or one
 * outside the range.
 */
export function parseNumber(name: string, text: string, range: NumberRange, file?: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (isInRange(value, range)) return value;
  const separator = name.startsWith("-") ? " " : "=";
  const given = text === "" ? `${name} has no value` : `${name}${separator}${text}`;
  const hasComma = /^[-+]?\d+,\d+$/.test(text);
  throw new NetrunError(`${given}: give ${describeRange(range, value)}`, {
    file,
    notes: hasComma ? [`decimals follow a point: ${text.replace(",", ".")}`] : [],
  });
}

/** Checks a number that a program gives as option `name`. Throws NetrunError for one outside the range. */
export function checkNumber(name: string, value: unknown, range: NumberRange): void {
  if (isInRange(value, range)) return;
  const words = describeRange(range, typeof value === "number" ? value : 0);
  throw new NetrunError(`${name} is ${shown(value)}; it must be ${words}`);
}

/** A value that a program gave, as errors show it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(shown).join(", ")}]`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
