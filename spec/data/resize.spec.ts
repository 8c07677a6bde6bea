import { expect } from "chai";
import { resizeImage } from "../../lib/data/image/resize.js";

const image = (height: number, width: number, pixels: number[]) => ({
  shape: [pixels.length / (height * width), height, width] as const,
  pixels: Uint8Array.from(pixels),
});

describe("resizing", () => {
  it("keeps an image of the right size as it is", () => {
    const same = image(1, 2, [3, 4]);
    expect(resizeImage(same, 1, 2)).to.equal(same);
  });

  it("takes pixel centres half a pixel in and repeats the edges", () => {
    expect([...resizeImage(image(1, 2, [0, 100]), 1, 4).pixels]).to.deep.equal([0, 25, 75, 100]);
  });

  it("takes the mean of four pixels where both sides halve, each channel by itself", () => {
    expect([...resizeImage(image(2, 2, [1, 2, 3, 5, 0, 0, 0, 255]), 1, 1).pixels]).to.deep.equal([3, 64]);
  });
});
