import { expect } from "chai";
import { IDENTITY, transformer } from "../../lib/data/feed/transform.js";

describe("clips of frames", () => {
  /** Two channels of three frames of 4 x 5, with values of their own. */
  const shape = [2, 3, 4, 5] as const;
  const values = Float32Array.from({ length: 120 }, (_, i) => i);
  const context = { phase: "TEST", seed: 1, part: 0, mean: undefined, bytes: false } as const;

  it("are cropped, mirrored and centred as their frames, all of them alike", () => {
    const transform = transformer(
      { ...IDENTITY, cropSize: 2, mirror: true, meanValues: [10, 20], scale: 2 },
      shape,
      context,
    );
    expect(transform.shape).to.deep.equal([2, 3, 2, 2]);
    const out = new Float32Array(24);
    transform.applyChoice(values, 0, out, 0, { top: 1, left: 3, mirror: true });
    const at = (c: number, t: number, h: number, w: number) => values[((c * 3 + t) * 4 + 1 + h) * 5 + 3 + (1 - w)]!;
    const expected = [0, 1].flatMap((c) =>
      [0, 1, 2].flatMap((t) => [0, 1].flatMap((h) => [0, 1].map((w) => 2 * (at(c, t, h, w) - [10, 20][c]!)))),
    );
    expect([...out]).to.deep.equal(expected);
  });

  it("of other means than channels, and rows of other axes, are refused", () => {
    expect(() => transformer({ ...IDENTITY, meanValues: [1, 2, 3] }, shape, context)).to.throw("mean_value");
    expect(() => transformer({ ...IDENTITY, mirror: true }, [2, 3, 4, 5, 6], context)).to.throw(
      "a row has the shape [2,3,4,5,6]",
    );
  });
});
