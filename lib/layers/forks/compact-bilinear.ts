import { constant, constantOf, type Value } from "../../graph/index.js";
import { expand, matMul, mul, reshape, scatterAdd, transpose, zeros } from "../../ops/index.js";
import { bottomText, computeLayer } from "../layer.js";

/**
 * CompactBilinear (Gao et al. 2016): the products of each channel of x1 [n, c1, h, w] and each of x2 [n, c2, h, w], added up in
 * num_output sums: y[d] = num_output * sum over pairs of s1 s2 x1 x2 whose h1 + h2 is d modulo num_output, at each place or
 * (`sum_pool`) over all of them [n, num_output, 1, 1]. Places h and signs s are those that the authors draw with C's `rand` after
 * `srand(1)` of glibc. Their layer multiplies spectra, and its inverse transform is not divided by num_output; the sums are the same.
 * Without sum_pool all products of a place are in memory at once.
 */
export const CompactBilinear = computeLayer({
  type: "CompactBilinear",
  param: "compact_bilinear_param",
  bottoms: 2,
  tops: 1,
  lower(site) {
    const [a, b] = site.bottoms as [Value, Value];
    const { num_output: size, sum_pool: isPooled } = site.param;
    if (size <= 0) throw site.error("num_output must be greater than 0", "num_output");
    const [n, c1, h, w] = a.type.shape as [number, number, number, number];
    const [n2, c2, ...place] = b.type.shape as [number, number, number, number];
    if (a.type.shape.length !== 4 || b.type.shape.length !== 4 || n2 !== n || place.join() !== [h, w].join())
      throw site.bottomError(1, `${bottomText(site, 1)} is not of the items and places of ${bottomText(site, 0)}`);
    const rand = glibcRand();
    const first = drawn(rand, c1, size);
    const second = drawn(rand, c2, size);
    const pairs = Array.from({ length: c1 * c2 }, (_, i) => [Math.floor(i / c2), i % c2] as const);
    const places = BigInt64Array.from(pairs, ([i, j]) => BigInt((first.places[i]! + second.places[j]!) % size));
    const signs = Float32Array.from(pairs, ([i, j]) => first.signs[i]! * second.signs[j]! * size);
    const [x, y] = [reshape(a, [n, c1, h * w]), reshape(b, [n, c2, h * w])];
    if (isPooled) {
      const products = reshape(matMul(x, transpose(y, [0, 2, 1])), [n, c1 * c2]);
      const index = expand(constantOf("int64", places, [1, c1 * c2]), [n, c1 * c2]);
      const sums = scatterAdd(zeros([n, size]), index, mul(products, constant(signs, [c1 * c2])), 1);
      return { tops: [reshape(sums, [n, size, 1, 1])] };
    }
    const all = reshape(mul(reshape(x, [n, c1, 1, h * w]), reshape(y, [n, 1, c2, h * w])), [n, c1 * c2, h * w]);
    const index = expand(constantOf("int64", places, [1, c1 * c2, 1]), [n, c1 * c2, h * w]);
    const sums = scatterAdd(zeros([n, size, h * w]), index, mul(all, constant(signs, [c1 * c2, 1])), 1);
    return { tops: [reshape(sums, [n, size, h, w])] };
  },
});

/** The sum that each channel goes to, and its sign. */
function drawn(rand: () => number, channels: number, size: number) {
  const numbers = (below: number) => Array.from({ length: channels }, () => rand() % below);
  return { places: numbers(size), signs: numbers(2).map((bit) => 2 * bit - 1) };
}

/** glibc's `rand` after `srand(1)`: an additive feedback of 31 numbers, whose lowest bit is dropped. */
export function glibcRand(): () => number {
  const state = [1];
  for (let i = 1; i < 31; i++) state.push(Number((16807n * BigInt(state[i - 1]!)) % 2147483647n));
  for (let i = 31; i < 34; i++) state.push(state[i - 31]!);
  const next = () => {
    const sum = (state.at(-31)! + state.at(-3)!) >>> 0;
    state.push(sum);
    if (state.length > 64) state.splice(0, state.length - 31);
    return sum;
  };
  for (let i = 34; i < 344; i++) next();
  return () => next() >>> 1;
}
