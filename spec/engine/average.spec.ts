import { expect } from "chai";
import { drawTowards, mean, moveCentre, type WeightedSums } from "../../lib/engine/averaging/average.js";
import { averageInto, averagingOf, shareHistory } from "../../lib/engine/averaging/averaging.js";
import { PIECE, type Vector, vectorOf } from "../../lib/engine/vector.js";

const f32 = (...values: number[]) => Float32Array.from(values);

/** Averages whole vectors. */
function averageWeights(out: Float32Array, replicas: readonly Float32Array[], sums: readonly WeightedSums[]): void {
  const how = averagingOf({}, replicas.length);
  averageInto(out, replicas.map(vectorOf), how, { trainable: out.length, sums });
}

/** A vector elsewhere: every piece is read into the same few floats. */
class Elsewhere implements Vector {
  readonly length: number;
  readonly #values: Float32Array;
  readonly #window = new Float32Array(PIECE);
  /** Floats of the largest piece that was read. */
  largest = 0;

  constructor(values: Float32Array) {
    this.length = values.length;
    this.#values = values;
  }

  piece(from: number, to: number): Float32Array {
    this.largest = Math.max(this.largest, to - from);
    this.#window.set(this.#values.subarray(from, to));
    return this.#window.subarray(0, to - from);
  }

  write(values: Float32Array, from: number): void {
    this.#values.set(values, from);
  }
}

describe("averaging", () => {
  it("takes the mean element by element", () => {
    const out = new Float32Array(3);
    mean(out, [f32(1, 2, 3), f32(3, 2, 1), f32(2, 2, 8)]);
    expect([...out]).to.deep.equal([2, 2, 4]);
  });

  it("adds any number of vectors in their order, in float64", () => {
    const length = 4099;
    const random = (i: number) => Math.fround(Math.sin(i) * 2 ** (60 * Math.sin(3 * i)));
    for (let count = 1; count <= 9; count++) {
      const vectors = Array.from({ length: count }, (_, k) =>
        Float32Array.from({ length }, (__, i) => (i % 7 === 0 ? -0 : random(i * count + k))),
      );
      const expected = Float32Array.from(
        { length },
        (_, i) => vectors.slice(1).reduce((sum, vector) => sum + vector[i]!, vectors[0]![i]!) / count,
      );
      const out = new Float32Array(length);
      mean(out, vectors);
      const bits = (values: Float32Array) => new Uint32Array(values.buffer);
      expect(bits(out), `${count} vectors`).to.deep.equal(bits(expected));
    }
  });

  it("gives one vector back bit by bit, NaN and all", () => {
    const out = new Float32Array(4);
    mean(out, [f32(Number.NaN, 1e-45, -0, 1 / 3)]);
    expect(out).to.deep.equal(f32(Number.NaN, 1e-45, -0, 1 / 3));
  });

  it("gives the same vector back for any number of equal ones", () => {
    const values = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i) * 10 ** ((i % 60) - 30));
    for (const count of [2, 3, 5, 8]) {
      const out = new Float32Array(values.length);
      mean(out, Array<Float32Array>(count).fill(values));
      expect(out).to.deep.equal(values);
    }
  });

  it("does not overflow where the mean is a float", () => {
    const out = new Float32Array(1);
    mean(out, [f32(3e38), f32(3e38)]);
    expect(out).to.deep.equal(f32(3e38));
  });

  it("averages the statistics of weighted sums, not the sums", () => {
    const out = new Float32Array(3);
    // A parameter, a sum and its weight: statistics 4 / 2 = 2 and 40 / 10 = 4, of mean 3; weights of mean 6.
    averageWeights(out, [f32(1, 4, 2), f32(3, 40, 10)], [{ offset: 1, length: 1, divisor: 2 }]);
    expect([...out]).to.deep.equal([2, 18, 6]);
  });

  it("leaves replicas without a batch out of a statistic", () => {
    const out = new Float32Array(2);
    averageWeights(out, [f32(0, 0), f32(40, 10)], [{ offset: 0, length: 1, divisor: 1 }]);
    expect([...out]).to.deep.equal([40, 10]);
    averageWeights(out, [f32(0, 0), f32(0, 0)], [{ offset: 0, length: 1, divisor: 1 }]);
    expect([...out]).to.deep.equal([0, 0]);
  });

  it("may write into one of the vectors", () => {
    const first = f32(4, 2);
    averageWeights(first, [first, f32(40, 10)], [{ offset: 0, length: 1, divisor: 1 }]);
    expect([...first]).to.deep.equal([18, 6]);
  });

  for (const averaging of ["mean", "elastic"] as const) {
    it(`gives the same bits in pieces, in any order, as at once (${averaging})`, () => {
      const trainable = 20;
      const sums = [{ offset: 22, length: 9, divisor: 33 }];
      const vector = (seed: number) => Float32Array.from({ length: 40 }, (_, i) => 1 + Math.sin(seed * 100 + i));
      for (const count of [1, 2, 3, 5]) {
        const replicas = Array.from({ length: count }, (_, i) => vector(i + 1));
        const how = averagingOf({ averaging }, count);
        const once = vector(9);
        averageInto(once, replicas.map(vectorOf), how, { trainable, sums });
        const divisors = replicas.map((replica) => sums.map(({ divisor }) => replica[divisor]!));
        const average = how.round({ trainable, sums }, divisors);
        const pieces = vector(9);
        for (const [from, to] of [
          [31, 40],
          [7, 25],
          [25, 31],
          [0, 7],
        ] as const) {
          const before = pieces.slice();
          average(
            pieces.subarray(from, to),
            from,
            replicas.map((replica) => replica.subarray(from, to)),
          );
          expect(pieces.slice(0, from)).to.deep.equal(before.slice(0, from));
          expect(pieces.slice(to)).to.deep.equal(before.slice(to));
        }
        expect(pieces).to.deep.equal(once);
        expect(pieces).to.not.deep.equal(vector(9));
      }
    });
  }

  it("reads replicas that are elsewhere one piece at a time, weights and histories", () => {
    const length = 2 * PIECE + 7;
    const vector = (seed: number) => Float32Array.from({ length }, (_, i) => Math.sin(seed * 100 + i));
    const replicas = [1, 2, 3].map((seed) => new Elsewhere(vector(seed)));
    const whole = new Float32Array(length);
    mean(whole, [1, 2, 3].map(vector));
    const out = vector(9);
    averageInto(out, replicas, averagingOf({}, 3), { trainable: length, sums: [] });
    expect(out).to.deep.equal(whole);
    shareHistory(replicas);
    for (const replica of replicas) {
      const values = new Float32Array(length);
      for (const from of [0, PIECE, 2 * PIECE]) values.set(replica.piece(from, Math.min(length, from + PIECE)), from);
      expect(values).to.deep.equal(whole);
      expect(replica.largest).to.equal(PIECE);
    }
  });

  it("draws replicas and centre together by alpha", () => {
    const centre = f32(0, 9);
    const replicas = [f32(4, 1), f32(-2, 3)];
    const shipped = replicas.map((own) => {
      const to = centre.slice();
      drawTowards(own, to, 0.25, 1);
      return to;
    });
    moveCentre(centre, 0, shipped, { alpha: 0.25, trainable: 1, sums: [], divisors: [] });
    // Differences 4 and -2: the centre moves by a quarter of their sum, each replica by a quarter of its own. The rest is averaged.
    expect([...centre]).to.deep.equal([0.5, 2]);
    expect(replicas.map((values) => [...values])).to.deep.equal([
      [3, 1],
      [-1.5, 3],
    ]);
  });
});
