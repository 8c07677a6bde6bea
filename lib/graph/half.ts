const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);
/** Exponent of half precision's smallest normal number, 2^-14, in float32. */
const LEAST_EXPONENT = 113;

/** The bits of a number in half precision, rounded to nearest, ties to even. Node 20 has no Float16Array. */
export function halfOf(value: number): number {
  float[0] = value;
  const x = bits[0]!;
  const sign = (x >>> 16) & 0x8000;
  const exponent = (x >>> 23) & 0xff;
  const fraction = x & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction ? 0x200 : 0);
  if (exponent < LEAST_EXPONENT - 11) return sign;
  const isSmall = exponent < LEAST_EXPONENT;
  // Below the normal numbers the leading 1 is written out, and more of the fraction is cut off.
  const drop = isSmall ? 13 + LEAST_EXPONENT - exponent : 13;
  const whole = isSmall ? fraction | 0x800000 : ((exponent - LEAST_EXPONENT + 1) << 23) | fraction;
  const cut = Math.floor(whole / 2 ** drop);
  const rest = whole - cut * 2 ** drop;
  const middle = 2 ** (drop - 1);
  const rounded = cut + (rest > middle || (rest === middle && cut % 2 === 1) ? 1 : 0);
  return sign | Math.min(rounded, 0x7c00);
}

/** The number that bits in half precision are. */
export function halfValue(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}
