import { expect } from "chai";
import { glibcRand } from "../../lib/layers/forks/compact-bilinear.js";
import { expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal } from "../support/net.js";

describe("CompactBilinear", () => {
  it("draws what glibc's rand gives after srand(1)", () => {
    const rand = glibcRand();
    const first = Array.from({ length: 8 }, rand);
    expect(first).to.deep.equal([
      1804289383, 846930886, 1681692777, 1714636915, 1957747793, 424238335, 719885386, 1649760492,
    ]);
  });

  const [N, A, B, H, W, SIZE] = [2, 5, 4, 2, 3, 8];
  const [x, y] = [noise(61, [N, A, H, W]), noise(62, [N, B, H, W])];

  /** The authors' layer: sketches of both, whose spectra are multiplied; the inverse transform is not divided. */
  function expected(n: number, place: number): readonly number[] {
    const rand = glibcRand();
    const sketches = [x, y].map(({ data, shape }) => {
      const c = shape[1]!;
      const places = Array.from({ length: c }, () => rand() % SIZE);
      const signs = Array.from({ length: c }, () => 2 * (rand() % 2) - 1);
      const sketch = Array<number>(SIZE).fill(0);
      places.forEach((at, i) => {
        sketch[at]! += signs[i]! * data[(n * c + i) * H * W + place]!;
      });
      return sketch;
    });
    const spectra = sketches.map((sketch) =>
      Array.from({ length: SIZE }, (_, k) => {
        const angle = (i: number) => (-2 * Math.PI * i * k) / SIZE;
        return [
          sketch.reduce((sum, v, i) => sum + v * Math.cos(angle(i)), 0),
          sketch.reduce((sum, v, i) => sum + v * Math.sin(angle(i)), 0),
        ] as const;
      }),
    );
    const product = spectra[0]!.map(([r, i], k) => {
      const [s, j] = spectra[1]![k]!;
      return [r * s - i * j, r * j + i * s] as const;
    });
    return Array.from({ length: SIZE }, (_, d) =>
      product.reduce((sum, [r, i], k) => {
        const angle = (2 * Math.PI * d * k) / SIZE;
        return sum + r * Math.cos(angle) - i * Math.sin(angle);
      }, 0),
    );
  }

  const places = Array.from({ length: H * W }, (_, place) => place);
  const layer = (param: string) => `type: "CompactBilinear" compact_bilinear_param { num_output: ${SIZE} ${param} }`;

  it("sums products over all places, as spectra of hashed channels do", async () => {
    const [top] = await run(layer(""), [x, y]);
    const values = [0, 1].flatMap((n) => {
      const each = places.map((place) => expected(n, place));
      return Array.from({ length: SIZE }, (_, d) => each.reduce((sum, row) => sum + row[d]!, 0));
    });
    expectClose(top, [N, SIZE, 1, 1], values, 1e-4);
  });

  it("or gives them at each place", async () => {
    const [top] = await run(layer("sum_pool: false"), [x, y]);
    const values = [0, 1].flatMap((n) => {
      const each = places.map((place) => expected(n, place));
      return Array.from({ length: SIZE }, (_, d) => each.map((row) => row[d]!)).flat();
    });
    expectClose(top, [N, SIZE, H, W], values, 1e-4);
  });

  it("refuses maps of other places", () => {
    const text = `${inputLayer("x", 1, 2, 3, 3)}${inputLayer("y", 1, 2, 3, 4)}
      layer { name: "l" ${layer("")} bottom: "x" bottom: "y" top: "t" }`;
    expect(refusal(text)).to.contain("is not of the items and places of");
  });
});

describe("L2Normalization, and Normalization", () => {
  it("divides rows by their lengths, and leaves rows of zeros", async () => {
    const x = noise(63, [3, 4, 1, 1]);
    x.data.fill(0, 4, 8);
    const lengths = [0, 1, 2].map((i) => Math.hypot(...x.data.subarray(4 * i, 4 * i + 4)));
    for (const type of ["L2Normalization", "Normalization"]) {
      const [y] = await run(`type: "${type}"`, [x]);
      expectClose(
        y,
        [3, 4, 1, 1],
        Array.from(x.data, (v, i) => (v === 0 ? 0 : v / lengths[Math.floor(i / 4)]!)),
      );
    }
  });

  it("refuses maps, over which forks differ", () => {
    for (const type of ["L2Normalization", "Normalization"]) {
      const text = `${inputLayer("x", 1, 2, 3, 3)}layer { name: "l" type: "${type}" bottom: "x" top: "y" }`;
      expect(refusal(text)).to.contain("is not rows [n, c]");
    }
  });
});
