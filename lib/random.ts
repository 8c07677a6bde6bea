/**
 * A seeded generator of random numbers (sfc32). Streams are keyed by what they are for, (seed, ...keys), and not by what was
 * drawn before, so that a run resumes to the bit from a counter alone.
 */
export interface Random {
  /** Uniform in [0, 1), a multiple of 2^-24, so that it is exact in float32. */
  uniform(): number;
  /** Uniform integer in [0, n). */
  integer(n: number): number;
  /** Normal with mean 0 and deviation 1. */
  normal(): number;
  /** Uniform in [0, 1), written over a whole array. */
  fill(target: Float32Array): void;
  /** Normal with this mean and deviation, written over a whole array: `mean + std * normal()` for each. */
  fillNormal(target: Float32Array, mean: number, std: number): void;
}

/** The stream of a key. The same numbers give the same stream on every machine. */
export function random(seed: number, ...keys: readonly number[]): Random {
  let [a, b, c, d] = scramble([seed, ...keys]);
  const next = (): number => {
    // sfc32: 128 bits of state with a counter in it; passes PractRand, and costs a few integer operations.
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  const uniform = () => (next() >>> 8) / 2 ** 24;
  let spare: number | undefined;
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    // Box and Muller's polar form.
    for (;;) {
      const u = 2 * uniform() - 1;
      const v = 2 * uniform() - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(s)) / s);
      spare = v * scale;
      return u * scale;
    }
  };
  return {
    uniform,
    integer: (n) => Math.floor((next() / 2 ** 32) * n),
    normal,
    fill(target) {
      for (let i = 0; i < target.length; i++) target[i] = uniform();
    },
    fillNormal(target, mean, std) {
      let i = 0;
      if (spare !== undefined && target.length > 0) target[i++] = mean + std * normal();
      // The loop of `normal` with the state in locals, which takes half the time: what a large net's filling is made of.
      let [e, f, g, h] = [a, b, c, d];
      while (i < target.length) {
        const first = (((e + f) | 0) + h) | 0;
        h = (h + 1) | 0;
        e = f ^ (f >>> 9);
        f = (g + (g << 3)) | 0;
        g = (((g << 21) | (g >>> 11)) + first) | 0;
        const second = (((e + f) | 0) + h) | 0;
        h = (h + 1) | 0;
        e = f ^ (f >>> 9);
        f = (g + (g << 3)) | 0;
        g = (((g << 21) | (g >>> 11)) + second) | 0;
        const u = (first >>> 8) * 2 ** -23 - 1;
        const v = (second >>> 8) * 2 ** -23 - 1;
        const s = u * u + v * v;
        if (s >= 1 || s === 0) continue;
        const scale = Math.sqrt((-2 * Math.log(s)) / s);
        target[i++] = mean + std * (u * scale);
        if (i < target.length) target[i++] = mean + std * (v * scale);
        else spare = v * scale;
      }
      [a, b, c, d] = [e, f, g, h];
    },
  };
}

/** Four words that differ in about half their bits for keys that differ in one (murmur3's finalizer, chained). */
function scramble(keys: readonly number[]): [number, number, number, number] {
  const state: [number, number, number, number] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 1];
  for (const key of keys) {
    for (const word of [key | 0, Math.floor(key / 2 ** 32) | 0]) {
      for (let i = 0; i < 3; i++) {
        let h = (state[i]! ^ word) + Math.imul(i + 1, 0x9e3779b9);
        h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
        h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
        state[i] = h ^ (h >>> 16) ^ state[(i + 1) % 3]!;
      }
    }
  }
  return state;
}
