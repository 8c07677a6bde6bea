/**
 * A counter-based generator: the number is a function of its three keys alone, so that a stream of records can be
 * resumed anywhere without saved state. Gives a uint32. The finaliser of MurmurHash3 (public domain) after each key.
 */
export function draw(seed: number, counter: number, stream: number): number {
  // Counters pass 2^32 in long runs: both halves count.
  let h = mix((seed ^ 0x9e3779b9) >>> 0);
  h = mix((h ^ (counter >>> 0)) >>> 0);
  h = mix((h + Math.imul(Math.floor(counter / 2 ** 32), 0x85ebca77)) >>> 0);
  return mix((h ^ Math.imul(stream + 1, 0xc2b2ae3d)) >>> 0);
}

function mix(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A uniform integer in [0, n): the high part of a product, so that no modulo bias favours small values. */
export function drawBelow(n: number, seed: number, counter: number, stream: number): number {
  return Math.floor((draw(seed, counter, stream) / 2 ** 32) * n);
}

/** The permutation of [0, n) that belongs to (seed, epoch); Fisher and Yates, from the end. */
export function permutation(n: number, seed: number, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = drawBelow(i + 1, seed, i, epoch);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}
